/** Asks the provider about a token. The three siteverify APIs take the same form and answer alike. */
import { codeOf, messageOf, propertyOf, textOf } from '../errors.js';

export type Verdict =
  | {
      readonly kind: 'passed';
      readonly hostname: unknown;
      readonly action: unknown;
      readonly score: unknown;
    }
  | { readonly kind: 'failed'; readonly codes: readonly string[] }
  /** The provider gave no verdict. `cause` is for the operator. */
  | { readonly kind: 'unreachable'; readonly cause: string };

interface Siteverify {
  readonly url: string;
  readonly secret: string;
  /** Milliseconds, for the whole exchange. */
  readonly timeout: number;
}

/**
 * The client's IP is not sent: it is optional, it is personal data, and behind a proxy that the app does not know it would
 * be the wrong one.
 */
export async function siteverify({ url, secret, timeout }: Siteverify, token: string): Promise<Verdict> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      body: new URLSearchParams({ secret, response: token }),
      // A redirect would send the secret elsewhere.
      redirect: 'error',
      signal: AbortSignal.timeout(timeout),
    });
    return verdictOf(response.status, await bodyOf(response));
  } catch (error) {
    return unreachable(causeOf(error));
  }
}

/** A reply has about 300 bytes. */
const MAX_BYTES = 65_536;

async function bodyOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > MAX_BYTES) throw new Error('the reply is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function verdictOf(status: number, text: string): Verdict {
  if (status >= 500 || status === 429 || status === 408) return unreachable(`HTTP ${status}`);
  const body = parsed(text);
  const codes = codesOf(propertyOf(body, 'error-codes'));
  switch (propertyOf(body, 'success')) {
    case true:
      return {
        kind: 'passed',
        hostname: propertyOf(body, 'hostname'),
        action: propertyOf(body, 'action'),
        score: propertyOf(body, 'score'),
      };
    case false:
      return codes.includes('internal-error') ? unreachable('internal-error') : { kind: 'failed', codes };
    default:
      // A token may have caused a 4xx, so it is no reason to let a send pass.
      return status >= 400
        ? { kind: 'failed', codes: [`HTTP ${status}`] }
        : unreachable('the reply is not JSON');
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The codes go into warnings, so whatever does not look like one is left out. */
function codesOf(value: unknown): readonly string[] {
  const codes = Array.isArray(value)
    ? value.filter((code) => typeof code === 'string' && CODE.test(code))
    : [];
  return codes.length > 0 ? codes : ['no error code'];
}

const CODE = /^[\w-]{1,60}$/;

function unreachable(cause: string): Verdict {
  return { kind: 'unreachable', cause };
}

/** fetch() says "fetch failed", and why in its cause. */
function causeOf(error: unknown): string {
  if (textOf(error, 'name') === 'TimeoutError') return 'it did not answer in time';
  const cause = propertyOf(error, 'cause');
  return codeOf(cause) ?? messageOf(cause ?? error);
}
