/** The options in an SMTP URL. nodemailer parses it, after checks that nodemailer does not make. */
import { inspect } from 'node:util';
import { assign, parseConnectionUrl } from 'nodemailer/lib/shared';
import { checkTransportOptions, type RawOptions, refuseTransportOption } from './option-names.js';

/** The options, with those in their `url`. */
export function withUrl(raw: RawOptions): RawOptions {
  const { url, ...options } = raw;
  if (url === undefined) return options;
  if (typeof url !== 'string') return refuseTransportOption('url', 'an SMTP URL', url);
  return assign(false, options, readUrl(url));
}

export function readUrl(text: string): RawOptions {
  const trimmed = text.trim();
  const parsed = /^smtps?:/i.test(trimmed) ? parsedUrl(trimmed) : undefined;
  if (!parsed?.host) {
    throw new TypeError(
      'The `transport` option must be an SMTP URL, as in smtp://user:password@host:587, with user and password percent-encoded.',
    );
  }
  return checkTransportOptions(parsed);
}

/** Undefined if an unencoded character of the password ends the host, and the rest would be read as path, query or hash. */
function parsedUrl(text: string): RawOptions | undefined {
  const url = text.replace(/^(smtps?:)(?!\/\/)/i, '$1//');
  if (!URL.canParse(url)) return undefined;
  const { pathname, search, hash, searchParams } = new URL(url);
  if (pathname.length > 1 || hash !== '' || search.includes('@')) return undefined;
  let parsed: RawOptions;
  try {
    parsed = parseConnectionUrl(url);
  } catch {
    return undefined;
  }
  for (const [name, value] of searchParams) checkQuery(name, value, parsed);
  return parsed;
}

/** nodemailer ignores a query parameter that another part of the URL sets, and any name with a dot except those of `tls`. */
function checkQuery(name: string, value: string, parsed: RawOptions): void {
  if (name.startsWith('tls.') || String(parsed[name]) === value || parsed[name] === Number(value)) return;
  throw new TypeError(
    `The URL of \`transport\` has ${inspect(name)} in its query, where it is ignored: write it once, in the URL itself or as an option.`,
  );
}
