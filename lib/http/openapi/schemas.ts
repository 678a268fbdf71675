/** The JSON Schemas of the document: the bodies of requests and responses, and the headers. */
import { LONGEST_TYPED_CODE } from '../../challenge/code.js';
import type { Reason, SuccessField } from '../answer.js';
import { MAX_BODY_SIZE } from '../parse-body.js';
import type { OpenApiReference, OpenApiSchema } from './document.js';

/** A success, or the reason of a refusal. */
export type Kind = 'sent' | 'verified' | Reason;

type Field =
  | 'errors'
  | 'attemptsLeft'
  | 'retryAfter'
  | 'challengeId'
  | 'verified'
  | 'verificationToken'
  | 'email'
  | 'expiresIn'
  | 'resendIn';

interface Body {
  readonly description: string;
  /** Besides the success field, `message` and `reason`. */
  readonly has: readonly Field[];
  readonly mayHave?: readonly Field[];
}

/** The body of each response. */
const BODIES: Readonly<Record<Kind, Body>> = {
  sent: {
    description: 'The code was sent, unless `beforeSend` suppressed it.',
    has: ['challengeId', 'expiresIn', 'resendIn'],
  },
  verified: {
    description: 'The address is verified. The token works once, for `expiresIn` seconds.',
    has: ['verificationToken', 'expiresIn'],
  },
  invalid_request: {
    description: 'A field or the body is not valid. It costs no attempt.',
    has: ['errors'],
  },
  refused: {
    description:
      'A page of another site posted it: a form, text, or a body without a type, recognized by Sec-Fetch-Site or Origin. From `/send` also: `beforeSend` refused it.',
    has: [],
  },
  too_many_requests: {
    description: 'Too many requests from this client. From `/send` also: too many emails to this mailbox.',
    has: ['retryAfter'],
    mayHave: ['challengeId', 'expiresIn'],
  },
  delivery_failed: {
    description:
      'The email was not sent. Its code has ended, and it does not count toward the limits, up to 3 times a day.',
    has: ['resendIn'],
  },
  delivery_unknown: {
    description: 'The mail server did not confirm the email in time. If it arrives, its code works.',
    has: ['challengeId', 'expiresIn', 'resendIn'],
  },
  unavailable: {
    description:
      'Redis is unavailable. From `/send` also: the email queue is full, or `beforeSend` timed out.',
    has: ['retryAfter'],
  },
  code_incorrect: {
    description: 'The code is wrong. Without attempts left, request another one.',
    has: ['attemptsLeft'],
  },
  code_expired: {
    description:
      'The code has expired, was used, has no attempts left, or was never sent. With `attemptsLeft`, a newer code can still be entered.',
    has: [],
    mayHave: ['attemptsLeft'],
  },
  email_not_verified: {
    description: 'There is no valid token for this address.',
    has: [],
  },
};

/** From /send, it says so, because a code is what a page expects. */
const PROVEN: Body = {
  description: 'Only with `browserProof`: the browser has proven the address, and no email was sent.',
  has: ['verified', 'verificationToken', 'expiresIn'],
  mayHave: ['email'],
};

export function bodyFor(kind: Kind, successField: SuccessField): Body {
  return kind === 'verified' && successField === 'ok' ? PROVEN : BODIES[kind];
}

const SECONDS = { type: 'integer', minimum: 0 };
const STRING = { type: 'string' };

const FIELDS: Readonly<Record<Field, OpenApiSchema>> = {
  errors: { type: 'array', minItems: 1, items: refTo('schemas', 'FieldError') },
  attemptsLeft: { type: 'integer', minimum: 0, description: 'How many more codes can be entered.' },
  retryAfter: { ...SECONDS, minimum: 1, description: 'Seconds to wait, as in Retry-After.' },
  challengeId: {
    ...STRING,
    description:
      'Opaque. Send the latest one with each request: it gives a client attempts that nobody else can use up.',
  },
  verified: { type: 'boolean', const: true },
  verificationToken: { ...STRING, description: 'Opaque. For the sign-up.' },
  email: {
    ...STRING,
    description: 'The address that is verified, if it is a private one that the provider gave in its place.',
  },
  expiresIn: { ...SECONDS, description: 'Seconds until the code, or the token, expires.' },
  resendIn: { ...SECONDS, description: 'Seconds until another email can be sent.' },
};

const BY_ROUTE: Readonly<Record<SuccessField, readonly Kind[]>> = {
  ok: [
    ...[
      'sent',
      'verified',
      'invalid_request',
      'refused',
      'too_many_requests',
      'delivery_failed',
      'delivery_unknown',
    ],
    ...['unavailable', 'email_not_verified'],
  ] as const,
  verify: [
    ...['verified', 'invalid_request', 'refused', 'too_many_requests', 'code_incorrect', 'code_expired'],
    ...['unavailable'],
  ] as const,
};

export function schemas(): Record<string, OpenApiSchema> {
  const email = { ...STRING, description: 'An email address. White space around it is ignored.' };
  const optional = {
    challengeId: { type: ['string', 'null'], description: 'Of the latest response of `/send`.' },
    locale: {
      type: ['string', 'null'],
      description:
        'The language of `message` and of the email, as a BCP 47 tag. It precedes Accept-Language.',
    },
  };
  const proof = {
    proof: {
      type: ['string', 'null'],
      description: 'For `browserProof`: what the browser put into the field `email-verification-token`.',
    },
    nonce: { type: ['string', 'null'], description: 'For `browserProof`: the nonce of that field.' },
  };
  const description = `At most ${MAX_BODY_SIZE / 1024} kB.`;
  const code = {
    ...STRING,
    maxLength: LONGEST_TYPED_CODE,
    description:
      'As the person typed or pasted it: white space, dashes and a sentence around the code are ignored, and digits of any script count. Not a number, which would lose leading zeros.',
  };
  const bodies = (['ok', 'verify'] as const).flatMap((successField) =>
    BY_ROUTE[successField].map((kind) => [nameOf(kind, successField), bodyOf(kind, successField)]),
  );
  return {
    SendRequest: {
      ...{ type: 'object', description },
      required: ['email'],
      properties: { email, ...optional, ...proof },
    },
    VerifyRequest: {
      ...{ type: 'object', description },
      required: ['email', 'code'],
      properties: { email, code, ...optional },
    },
    VerifiedEmail: {
      type: 'object',
      description: 'What `requireVerifiedEmail()` reads, for `allOf` in the body of your sign-up.',
      required: ['email', 'verificationToken'],
      properties: { email, verificationToken: FIELDS.verificationToken },
    },
    FieldError: {
      type: 'object',
      required: ['field', 'message'],
      properties: {
        field: { enum: ['body', 'email', 'code', 'challengeId', 'locale'] },
        message: { ...STRING, description: 'For the person. The value is not repeated.' },
      },
    },
    Nonce: {
      type: 'object',
      description: 'For one browser proof.',
      required: ['nonce', 'expiresIn'],
      properties: { nonce: STRING, expiresIn: SECONDS },
    },
    ...Object.fromEntries(bodies),
  };
}

function bodyOf(kind: Kind, successField: SuccessField): OpenApiSchema {
  const { description, has, mayHave = [] } = bodyFor(kind, successField);
  const isSuccess = kind === 'sent' || kind === 'verified';
  const fields = Object.fromEntries([...has, ...mayHave].map((name) => [name, FIELDS[name]]));
  return {
    type: 'object',
    description,
    required: [successField, 'message', ...(isSuccess ? [] : ['reason']), ...has],
    properties: {
      [successField]: { type: 'boolean', const: isSuccess },
      message: { ...STRING, description: 'For people, in the language of the request.' },
      ...(!isSuccess && { reason: { ...STRING, const: kind } }),
      ...fields,
    },
  };
}

/** `Refused` of /send and of the guard, `VerifyRefused` of /verify. */
function nameOf(kind: Kind, successField: SuccessField): string {
  const name = kind.replace(/(?:^|_)(\w)/g, (_match, letter: string) => letter.toUpperCase());
  if (kind === 'verified' && successField === 'ok') return 'Proven';
  return successField === 'ok' || kind === 'verified' ? name : `Verify${name}`;
}

/** One of these bodies. Refusals are told apart by `reason`. */
export function eitherOf(
  kinds: readonly Kind[],
  successField: SuccessField,
): OpenApiSchema | OpenApiReference {
  const refs = kinds.map((kind) => refTo('schemas', nameOf(kind, successField)));
  const [only, ...others] = refs;
  if (only && others.length === 0) return only;
  if (kinds.includes('sent')) return { oneOf: refs };
  const mapping = Object.fromEntries(kinds.map((kind, index) => [kind, refs[index]?.$ref]));
  return { oneOf: refs, discriminator: { propertyName: 'reason', mapping } };
}

export function refTo(place: 'schemas' | 'parameters' | 'headers', name: string): OpenApiReference {
  return { $ref: `#/components/${place}/${name}` };
}

export function headerSchemas(): Record<string, OpenApiSchema> {
  return {
    CacheControl: {
      description: 'No response may be cached.',
      required: true,
      schema: { ...STRING, const: 'no-store' },
    },
    RetryAfter: {
      description: 'Seconds to wait, as in `retryAfter`.',
      required: true,
      schema: { type: 'integer', minimum: 1 },
    },
    RateLimit: {
      description:
        'What is left of the limit of this client, if there is one (draft-ietf-httpapi-ratelimit-headers-08).',
      schema: STRING,
      example: '"send-by-client"; r=19; t=600',
    },
    RateLimitPolicy: {
      description: 'The limit of this client, if there is one.',
      schema: STRING,
      example: '"send-by-client"; q=20; w=600; pk=:MTI3MDAw:',
    },
  };
}
