/**
 * The canonical address: the one string for the key, the email and `req.verifiedEmail`. And the mailbox behind it, for
 * which limits are counted, but to which nothing is ever sent.
 */
import { domainToASCII, domainToUnicode } from 'node:url';
import validator from 'validator';
import { isPlainAddress } from '../fast/plain-address.js';

/** RFC 5321 §4.5.3.1.3: a path of 256 octets, minus its angle brackets. */
const MAX_LENGTH = 254;

/** An address as people paste it: with white space and format characters around it, but none inside. */
const PASTED = /^[\s\p{Cf}]*([^\s\p{Cf}]+)[\s\p{Cf}]*$/u;

/**
 * The canonical form of an address as a person typed it, or undefined if it is not exactly one address: the string that codes
 * are sent to, and that `req.verifiedEmail` holds. Use it to look accounts up by what is typed at a sign-in.
 *
 * White space and format characters at the ends are dropped, the local part is in lower case, and the domain is in ASCII
 * (UTS #46). It has at most 254 characters (RFC 5321 §4.5.3.1.3), its local part is ASCII, and it has no quotes.
 *
 * @example
 * normalizeEmail(' Minji@Example.com '); // 'minji@example.com'
 */
export function normalizeEmail(typed: unknown): string | undefined {
  if (typeof typed !== 'string' || typed.length > 2 * MAX_LENGTH || !typed.isWellFormed()) return undefined;
  if (isPlainAddress(typed)) return typed;
  const [, address = ''] = PASTED.exec(typed) ?? [];
  if (address.length > MAX_LENGTH || address.includes('"') || !isEmail(address)) return undefined;

  const at = address.lastIndexOf('@');
  const domain = canonicalDomain(address.slice(at + 1));
  if (domain === undefined) return undefined;
  const canonical = `${address.slice(0, at).toLowerCase()}@${domain}`;
  // Checked again: a domain can pass as written and become another one (`a@①②⑦.⓪.⓪.①①` is 127.0.0.11).
  return canonical.length <= MAX_LENGTH && isEmail(canonical) ? canonical : undefined;
}

function isEmail(address: string): boolean {
  return validator.isEmail(address, { allow_utf8_local_part: false });
}

/**
 * Letters, marks, digits and hyphens (RFC 5892 §2), separated by the full stops of UTS #46. Characters that would vanish
 * in the mapping to ASCII, such as variation selectors and Hangul fillers, are not allowed.
 */
const DOMAIN = /^(?:(?!\p{Default_Ignorable_Code_Point})[\p{L}\p{M}\p{Nd}\-.\u3002\uff0e\uff61])+$/u;

/** No top-level domain mixes scripts. If one seems to, it ends with a word of the surrounding sentence (`naver.com으로`). */
const TOP_LEVEL =
  /^(?:[\p{Script=Latin}0-9-]+|\p{Script=Hangul}+|[^\p{Script=Latin}\p{Script=Hangul}0-9-]+)$/u;

/** After an ASCII domain, an ideographic full stop begins the next sentence (`naver.com。감사합니다`). */
const NEXT_SENTENCE = /[\w-][\u3002\uff0e\uff61][^.\u3002\uff0e\uff61]*\P{ASCII}[^.\u3002\uff0e\uff61]*$/u;

/**
 * A domain in ASCII (UTS #46), or undefined if the person cannot have meant it. Both the domain as written and its Unicode
 * form are checked, so that all spellings of a domain are treated alike.
 */
function canonicalDomain(written: string): string | undefined {
  const ascii = domainToASCII(written);
  const unicode = domainToUnicode(ascii);
  if (NEXT_SENTENCE.test(written)) return undefined;
  if (!DOMAIN.test(written) || !DOMAIN.test(unicode) || !TOP_LEVEL.test(topLevel(unicode))) return undefined;
  // Refuses a letter that only looks like an ASCII one, as in `example.comº`.
  const isAscii = /^[\w-]+$/.test(topLevel(written));
  return isAscii || topLevel(ascii).startsWith('xn--') ? ascii : undefined;
}

function topLevel(domain: string): string {
  return domain.split(/[.\u3002\uff0e\uff61]/).at(-1) ?? '';
}

/** Hosts that ignore dots, so that one mailbox has many spellings. */
const GMAIL = new Set(['gmail.com', 'googlemail.com']);

/**
 * The mailbox behind a canonical address: without its `+tag`, and at Gmail without dots. A local part that begins with
 * `+` keeps it.
 */
export function defaultMailbox(address: string): string {
  const at = address.lastIndexOf('@');
  const local = address.slice(0, at);
  const domain = address.slice(at + 1);
  const tag = local.indexOf('+');
  const untagged = tag > 0 ? local.slice(0, tag) : local;
  return GMAIL.has(domain) ? `${untagged.replaceAll('.', '')}@gmail.com` : `${untagged}@${domain}`;
}

/** An address as events and errors show it: enough to recognize a known address, but not enough to send email to it. */
export function maskAddress(address: string): string {
  const at = address.lastIndexOf('@');
  return `${address.slice(0, 1)}***${address.slice(at)}`;
}
