/** Validates and parses the fields of a request, for the routes and for the operations without HTTP. */
import { body, matchedData, type ValidationChain, validationResult } from 'express-validator';
import { normalizeEmail } from '../challenge/address.js';
import { type CodeFormat, parseFixedCode } from '../challenge/code.js';
import { isPlainAddress } from '../fast/plain-address.js';
import { en } from '../locales/en.js';
import type { Locale } from '../locales/index.js';
import type { FixedCodes } from '../options/fixed-codes.js';

export interface FieldError {
  readonly field: string;
  readonly message: string;
}

/** The input is invalid, whatever is stored. No value is echoed. */
export interface InvalidRequest {
  readonly kind: 'invalid_request';
  readonly message: string;
  readonly errors: readonly FieldError[];
}

export interface ParsedSend {
  readonly kind: 'parsed';
  /** The canonical address. */
  readonly email: string;
  readonly challengeId: string | undefined;
  readonly locale: Locale;
  /** As they came: whatever is wrong with them, the email is sent. Undefined without a proof, or without `browserProof`. */
  readonly proof?: unknown;
  readonly nonce?: unknown;
}

export interface ParsedVerify extends ParsedSend {
  readonly code: string;
}

export interface InputParsers {
  send(fields: unknown, locale: Locale): Promise<ParsedSend | InvalidRequest>;
  verify(fields: unknown, locale: Locale): Promise<ParsedVerify | InvalidRequest>;
  /** For a body that could not be read at all. */
  unreadable(locale: Locale): InvalidRequest;
}

/** For a language that has no text of its own for codes of letters. */
const { letterCode: LETTER_CODE = '' } = en.fields;

type FieldName = 'email' | 'code' | 'challengeId' | 'locale';

interface Rules {
  readonly codes: CodeFormat;
  readonly fixedCodes?: FixedCodes | undefined;
  readonly browserProof?: object | undefined;
}

export function createInputParsers({ codes, fixedCodes, browserProof }: Rules): InputParsers {
  // Not only for the addresses that have a fixed code: otherwise the response would reveal them.
  const parseFixed = fixedCodes ? parseFixedCode : () => undefined;
  const chains: Readonly<Record<FieldName, ValidationChain>> = {
    email: body('email').customSanitizer(normalizeEmail).isString(),
    code: body('code')
      .customSanitizer((typed: unknown) => codes.parse(typed) ?? parseFixed(typed))
      .isString(),
    challengeId: body('challengeId').optional({ values: 'null' }).isString(),
    locale: body('locale').optional({ values: 'null' }).isString(),
  };
  const { plain: plainCode } = codes;

  async function validate(names: readonly FieldName[], fields: unknown, locale: Locale) {
    const values: Fields = isFields(fields) ? fields : {};
    // A copy, because sanitizers change it and the body belongs to the app.
    const request = { body: Object.fromEntries(names.map((name) => [name, values[name]])) };
    for (const name of names) await chains[name].run(request);
    const errors = validationResult(request).mapped();
    const invalid = names.filter((name) => Object.hasOwn(errors, name));
    if (invalid.length > 0) {
      return invalidRequest(
        invalid.map((field) => ({ field, message: messageFor(field, values[field], locale) })),
        locale,
      );
    }
    const { email, code, challengeId } = matchedData<Valid>(request);
    return { kind: 'parsed', email, code, challengeId, locale } as const;
  }

  function messageFor(field: FieldName, value: unknown, locale: Locale): string {
    const { fields } = locale;
    if (field === 'challengeId' || field === 'locale') return fields[field];
    // A person types strings, so another type is a mistake of the program that sent it.
    const isWrongType = value !== undefined && value !== null && typeof value !== 'string';
    if (field === 'email') return (isWrongType && fields.emailNotString) || fields.email;
    if (isWrongType && fields.codeNotString) return fields.codeNotString;
    return codes.alphabet === 'digits' ? fields.code(codes.length) : (fields.letterCode ?? LETTER_CODE);
  }

  async function send(fields: unknown, locale: Locale): Promise<ParsedSend | InvalidRequest> {
    if (isPlain(fields)) {
      const { email, challengeId } = fields;
      return { kind: 'parsed', email, challengeId, locale };
    }
    return validate(['email', 'challengeId', 'locale'], fields, locale);
  }

  async function sendWithProof(fields: unknown, locale: Locale): Promise<ParsedSend | InvalidRequest> {
    const parsed = await send(fields, locale);
    const { proof, nonce }: Fields = isFields(fields) ? fields : {};
    // A form posts its field empty if the browser had no proof.
    const isAbsent = proof === undefined || proof === null || proof === '';
    return parsed.kind === 'invalid_request' || isAbsent ? parsed : { ...parsed, proof, nonce };
  }

  return {
    send: browserProof ? sendWithProof : send,
    async verify(fields, locale) {
      if (isPlain(fields) && typeof fields.code === 'string' && plainCode.test(fields.code)) {
        const { email, code, challengeId } = fields;
        return { kind: 'parsed', email, code, challengeId, locale };
      }
      return validate(['email', 'code', 'challengeId', 'locale'], fields, locale);
    },
    unreadable: (locale) => invalidRequest([{ field: 'body', message: locale.fields.body }], locale),
  };
}

function invalidRequest(errors: readonly FieldError[], { answers }: Locale): InvalidRequest {
  return { kind: 'invalid_request', message: answers.invalid_request, errors };
}

/** The fields before validation, which may hold anything. */
type Fields = Readonly<Record<string, unknown>>;

interface Valid {
  readonly email: string;
  readonly code: string;
  readonly challengeId: string | undefined;
}

interface PlainFields extends Fields {
  readonly email: string;
  readonly challengeId: string | undefined;
}

/** Whether the chains would change nothing and find nothing wrong, as with the fields that most programs send. */
function isPlain(value: unknown): value is PlainFields {
  return (
    isFields(value) &&
    typeof value.email === 'string' &&
    isPlainAddress(value.email) &&
    isStringOrAbsent(value.challengeId) &&
    isStringOrAbsent(value.locale)
  );
}

function isStringOrAbsent(value: unknown): boolean {
  return value === undefined || typeof value === 'string';
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
