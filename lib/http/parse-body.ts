/** Parses `req.body`, no matter who reads the bytes: the router, a parser of the app, or the platform the app runs on. */
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { isAnyArrayBuffer, isUint8Array } from 'node:util/types';
import express, { type Request, type Response } from 'express';
import { readPlainJson } from '../fast/json-body.js';

/** In bytes. There is room for a captcha token. */
export const MAX_BODY_SIZE = 16 * 1024;

const parsersOf = (limit: number) => ({
  json: express.json({ limit }),
  form: express.urlencoded({ limit, extended: false }),
});
const limited = parsersOf(MAX_BODY_SIZE);
const unlimited = parsersOf(Number.POSITIVE_INFINITY);

export type ParseOutcome =
  | { readonly kind: 'parsed' }
  | { readonly kind: 'unreadable'; readonly status: 400 | 413 | 415 };

/**
 * Parses JSON and forms, unless the app has already done so.
 *
 * @throws Error when something read the body without leaving it in `req.body`, or when `req.body` cannot be written. That
 * is the app's mistake, not the client's.
 */
export async function parseBody(req: Request, res: Response): Promise<ParseOutcome> {
  const plain = req.body === undefined && !req.readableDidRead && readPlainJson(req, MAX_BODY_SIZE);
  if (plain) {
    const body = await plain.catch(() => undefined);
    if (body === undefined) return { kind: 'unreadable', status: 400 };
    if (!Reflect.set(req, 'body', body)) throw new Error(BODY_KEPT);
    return PARSED;
  }
  const isBytes = isBytesOrText(req.body);
  // A parser of the app did it, possibly one of another Express version. Express 4 leaves {} when it skips a body.
  if (req.body !== undefined && !isBytes && !req.readable) return PARSED;
  if (req.body === undefined && wasReadBefore(req)) throw new Error(READ_BEFORE);
  if (!Reflect.set(req, 'body', req.body)) throw new Error(BODY_KEPT);
  try {
    if (isBytes) return (await parseBytes(req, res, limited)) ? PARSED : { kind: 'unreadable', status: 415 };
    // Must start in this turn of the event loop: if a listener of the app set the stream flowing, it ends before the next.
    await run(req.is('json') ? limited.json : limited.form, req, res);
  } catch (error) {
    const status = statusOf(error);
    if (status === undefined) throw error;
    return { kind: 'unreadable', status };
  }
  return req.is(['json', 'urlencoded']) === false ? { kind: 'unreadable', status: 415 } : PARSED;
}

const PARSED: ParseOutcome = { kind: 'parsed' };

/** Whether the body is still bytes or text, as express.raw(), express.text() and serverless-http leave it. */
export function isBytesOrText(body: unknown): body is string | Uint8Array | ArrayBuffer {
  return typeof body === 'string' || isUint8Array(body) || isAnyArrayBuffer(body);
}

/**
 * Parses such a body by its media type, and leaves it unchanged if that is neither JSON nor a form. By default, the size is
 * not limited again: that is up to whatever read the body.
 *
 * @returns Whether it was parsed.
 * @throws The error of Express' parser, with a `status`.
 */
export async function parseBytes(req: Request, res: Response, parsers = unlimited): Promise<boolean> {
  const { body, headers } = req;
  if (!isBytesOrText(body)) return false;
  const type = mediaTypeOf(headers['content-type']);
  const parser = type === 'application/json' ? parsers.json : parsers.form;
  if (parser === parsers.form && type !== 'application/x-www-form-urlencoded') return false;
  const again = replay(bytesOf(body), {
    // Text is already decoded, so its charset no longer applies.
    'content-type': typeof body === 'string' ? type : headers['content-type'],
    // A parser that read the stream also decompressed it.
    ...(req.readable && { 'content-encoding': headers['content-encoding'] }),
  });
  await run(parser, again, res);
  req.body = again.body;
  return true;
}

/** The media type of a Content-Type, without parameters (RFC 9110 §8.3.1). '' when there is none. */
export function mediaTypeOf(contentType = ''): string {
  return (contentType.split(';', 1)[0] ?? '').trim().toLowerCase();
}

const READ_BEFORE =
  'The body was read before emailVerificationRouter() and is not in `req.body`: mount the router before whatever ' +
  'reads it, or put express.json() and express.urlencoded() there';

const BODY_KEPT = 'emailVerificationRouter() could not write `req.body`: leave it writable';

function wasReadBefore({ headers, complete, destroyed, readable, readableDidRead }: Request): boolean {
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length']) > 0;
  // The client has disconnected, so the rest can never be read. That is not a mistake of the app.
  const isCutOff = destroyed && !complete;
  return hasBody && (readableDidRead || readable === false) && !isCutOff;
}

/** Express' parsers take a callback. A promise lets the code after them throw. */
function run(parser: typeof limited.json, req: IncomingMessage, res: Response): Promise<void> {
  return new Promise((resolve, reject) => {
    parser(req, res, (error?: unknown) => (error === undefined ? resolve() : reject(error)));
  });
}

/** A request with the same body, not yet read. */
function replay(
  bytes: Uint8Array,
  headers: IncomingMessage['headers'],
): IncomingMessage & { readonly body?: unknown } {
  const request = new IncomingMessage(new Socket());
  request.headers = { ...headers, 'content-length': String(bytes.length) };
  request.push(bytes);
  request.push(null);
  return request;
}

function bytesOf(body: string | Uint8Array | ArrayBuffer): Uint8Array {
  if (typeof body === 'string') return Buffer.from(body);
  return isUint8Array(body) ? Buffer.from(body.buffer, body.byteOffset, body.byteLength) : Buffer.from(body);
}

/**
 * Body parsers set 413 and 415. Any other error of the client is a malformed body, 400. Undefined for an error of the app,
 * such as setting an encoding on the stream.
 */
function statusOf(error: unknown): 400 | 413 | 415 | undefined {
  const status = typeof error === 'object' && error !== null && 'status' in error ? error.status : undefined;
  if (status === 413 || status === 415) return status;
  return typeof status === 'number' && status >= 500 ? undefined : 400;
}
