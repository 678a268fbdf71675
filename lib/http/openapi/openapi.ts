/** The OpenAPI document of the routes. Its statuses, bodies and texts come from the code that responds. */
import { answerOf, type SuccessField } from '../answer.js';
import type {
  OpenApiDocument,
  OpenApiMediaType,
  OpenApiOperation,
  OpenApiRead,
  OpenApiResponse,
} from './document.js';
import {
  type DocumentedResponse,
  EMAIL,
  emailNotVerified,
  ID,
  NONCE,
  sendResponses,
  unavailable,
  verifyResponses,
} from './examples.js';
import { bodyFor, eitherOf, headerSchemas, type Kind, refTo, schemas } from './schemas.js';

/**
 * The OpenAPI 3.1 document of POST /send, POST /verify and GET /nonce, and of the refusals of `requireVerifiedEmail()`. The package also
 * contains it as `express-email-verification/openapi.json`.
 *
 * It describes the default options; its own description names the options that change responses. It is frozen: copy it to
 * change it.
 *
 * @see https://spec.openapis.org/oas/v3.1.0
 * @example
 * app.get('/openapi.json', (_req, res) => res.json({ ...openapi, servers: [{ url: '/auth/email' }] }));
 */
export const openapi: OpenApiDocument = Object.freeze<OpenApiDocument>({
  openapi: '3.1.0',
  info: {
    title: 'Email verification',
    version: '0.1.0',
    description: `Verifies email addresses with one-time codes: \`/send\` emails a code, \`/verify\` checks it and returns a token, which your sign-up accepts once.

A refusal has a \`reason\`, which is for programs and never changes. \`message\` is for people, in the language of the request. Times are in whole seconds, rounded up.

Options of the server that change responses:

- \`codeLength\` and \`codeAlphabet\`: how many digits or letters a code has, and what \`errors\` say about another one.
- \`locales\` and \`defaultLocale\`: the languages of \`message\`, and their texts.
- \`rateLimit\`: by default, \`/send\` accepts 20 requests in 10 minutes from one client, and \`/verify\` has no limit of this kind. \`message\` replaces the text of the 429, \`statusCode\` its status, \`handler\` the whole response. \`standardHeaders\` and \`legacyHeaders\` choose the headers that describe the limit.
- \`delivery: 'background'\`: the response does not wait for the email, so there is no 500.
- \`beforeSend\`: may refuse with a text of its own. What it throws goes to the app's error handler.
- \`browserProof\`: accepts browser proofs in place of codes. Only then, there is a \`/nonce\`, and \`/send\` may respond with a token.
- \`onRefused\`: responds to all refusals in place of the JSON described here.`,
    license: { name: 'MIT', identifier: 'MIT' },
  },
  servers: [{ url: '/email-verification' }],
  security: [],
  // Built when it is first read: few apps do, and Intl takes milliseconds to write the first text with a duration.
  get paths() {
    return build().paths;
  },
  get components() {
    return build().components;
  },
});

type Built = Pick<OpenApiDocument, 'paths' | 'components'>;

let built: Built | undefined;

function build(): Built {
  built ??= deepFreeze({ paths: pathsOf(), components: componentsOf() });
  return built;
}

function pathsOf(): OpenApiDocument['paths'] {
  const fields = { email: EMAIL, challengeId: ID };
  const send = operationOf(
    {
      operationId: 'sendCode',
      summary: 'Send a code',
      description:
        'Emails a one-time code. To send another one, include the latest `challengeId`. Fields that are not described, such as the token of a captcha, are for `beforeSend`.',
    },
    'SendRequest',
    {
      first: { summary: 'The first code', value: { email: EMAIL } },
      another: { summary: 'Another code', value: fields },
      korean: { summary: 'In Korean', value: { email: EMAIL, locale: 'ko' } },
      proof: {
        summary: 'With a browser proof',
        value: { email: EMAIL, proof: 'eyJhbGciOi….…~eyJhbGciOi….…', nonce: NONCE.nonce },
      },
    },
    responsesOf(sendResponses(), 'ok'),
  );
  const verify = operationOf(
    {
      operationId: 'verifyCode',
      summary: 'Verify a code',
      description:
        'Checks a code. If it is right, the response has a token: send it to the sign-up of the app, together with `email`.',
    },
    'VerifyRequest',
    {
      code: { summary: 'With the latest challengeId', value: { ...fields, code: '042917' } },
      shared: {
        summary: 'Without one, with the attempts that all such requests share',
        value: { email: EMAIL, code: '042917' },
      },
    },
    responsesOf(verifyResponses(), 'verify'),
  );
  return { '/send': { post: send }, '/verify': { post: verify }, '/nonce': { get: nonceOperation() } };
}

function nonceOperation(): OpenApiRead {
  const examples = { nonce: { summary: 'A nonce', value: NONCE } };
  return {
    operationId: 'createNonce',
    summary: 'Get a nonce',
    description:
      'Only with `browserProof`: a nonce for the `nonce` attribute of the field that the browser fills in. Send it to `/send`, together with the proof.',
    responses: {
      200: {
        description: 'For one proof, within `expiresIn` seconds.',
        headers: { 'Cache-Control': refTo('headers', 'CacheControl') },
        content: { 'application/json': { schema: refTo('schemas', 'Nonce'), examples } },
      },
    },
  };
}

function operationOf(
  texts: Pick<OpenApiOperation, 'operationId' | 'summary' | 'description'>,
  request: string,
  examples: OpenApiMediaType['examples'],
  responses: OpenApiOperation['responses'],
): OpenApiOperation {
  const media = { schema: refTo('schemas', request), examples };
  return {
    ...texts,
    parameters: [refTo('parameters', 'AcceptLanguage')],
    requestBody: {
      required: true,
      content: { 'application/json': media, 'application/x-www-form-urlencoded': media },
    },
    responses,
  };
}

type Answered = DocumentedResponse<{
  readonly kind: Kind;
  readonly message: string;
  readonly retryAfter?: number;
}>;

/** The responses of a route by status, each with the schemas of its reasons. */
function responsesOf(
  documented: readonly Answered[],
  successField: SuccessField,
): Record<string, OpenApiResponse> {
  const limitHeaders = {
    RateLimit: refTo('headers', 'RateLimit'),
    'RateLimit-Policy': refTo('headers', 'RateLimitPolicy'),
  };
  const groups = new Map<number, Answered[]>();
  for (const response of documented) {
    const { status } = answerOf(response.outcome, successField, response.status);
    groups.set(status, [...(groups.get(status) ?? []), response]);
  }
  return Object.fromEntries(
    Array.from(groups, ([status, group]) => [status, responseOf(group, successField, limitHeaders)]),
  );
}

function responseOf(
  group: readonly Answered[],
  successField: SuccessField,
  limitHeaders: OpenApiResponse['headers'],
): OpenApiResponse {
  const kinds = [...new Set(group.map(({ outcome }) => outcome.kind))];
  const hasRetryAfter = group.some(({ outcome }) => outcome.retryAfter !== undefined);
  const examples = group.map(({ name, summary, outcome }) => [
    name,
    { summary, value: answerOf(outcome, successField).body },
  ]);
  return {
    description: kinds.map((kind) => bodyFor(kind, successField).description).join(' '),
    headers: {
      'Cache-Control': refTo('headers', 'CacheControl'),
      ...(hasRetryAfter && { 'Retry-After': refTo('headers', 'RetryAfter') }),
      // An invalid request is refused before it is counted.
      ...(!kinds.includes('invalid_request') && limitHeaders),
    },
    content: {
      'application/json': { schema: eitherOf(kinds, successField), examples: Object.fromEntries(examples) },
    },
  };
}

function componentsOf(): OpenApiDocument['components'] {
  return {
    schemas: schemas(),
    responses: {
      EmailNotVerified: responseOf([emailNotVerified()], 'ok', {}),
      Unavailable: responseOf([unavailable()], 'ok', {}),
    },
    parameters: {
      AcceptLanguage: {
        ...{ name: 'Accept-Language', in: 'header' },
        description:
          'The language of `message` and of the email, unless the body has a `locale` (RFC 9110, section 12.5.4).',
        schema: { type: 'string' },
        example: 'ko-KR, en;q=0.8',
      },
    },
    headers: headerSchemas(),
  };
}

/** The document is shared by all who import it. */
function deepFreeze<T extends object>(value: T): T {
  for (const part of Object.values(value)) if (typeof part === 'object' && part !== null) deepFreeze(part);
  return Object.freeze(value);
}
