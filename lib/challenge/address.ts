/**
 * The canonical address: the one string for the key, the mail and `req.verifiedEmail`; and the mailbox behind
 * it, which limits count on and nothing is ever mailed to.
 */
import { domainToASCII, domainToUnicode } from 'node:url';
import { body } from 'express-validator';

/** RFC 5321 §4.5.3.1.3: a path of 256 octets, less its angle brackets. */
const LONGEST = 254;

const emailChain = body('email').isEmail({ allow_utf8_local_part: false });

/** An address as people paste it: with white space and format characters around it, and none inside. */
const PASTED = /^[\s\p{Cf}]*([^\s\p{Cf}]+)[\s\p{Cf}]*$/u;

/**
 * The canonical form of what somebody typed, or undefined when it is not one address of one person.
 *
 * Judged twice: a domain can pass as written and become another when it is mapped to ASCII
 * (`a@①②⑦.⓪.⓪.①①` is 127.0.0.11).
 */
export async function canonicalAddress(typed: unknown): Promise<string | undefined> {
  if (typeof typed !== 'string' || typed.length > 2 * LONGEST || !typed.isWellFormed()) return undefined;
  if (isPlainAddress(typed)) return typed;
  const [, address = ''] = PASTED.exec(typed) ?? [];
  if (address.length > LONGEST || address.includes('"') || !(await isEmail(address))) return undefined;

  const at = address.lastIndexOf('@');
  const domain = canonicalDomain(address.slice(at + 1));
  if (domain === undefined) return undefined;
  const canonical = `${address.slice(0, at).toLowerCase()}@${domain}`;
  if (canonical === address) return canonical;
  return canonical.length <= LONGEST && (await isEmail(canonical)) ? canonical : undefined;
}

/**
 * Letters, marks, digits and hyphens (RFC 5892 §2), between the full stops that UTS #46 knows. Nothing that would
 * vanish on the way to ASCII, as variation selectors and Hangul fillers do.
 */
const DOMAIN = /^(?:(?!\p{Default_Ignorable_Code_Point})[\p{L}\p{M}\p{Nd}\-.\u3002\uff0e\uff61])+$/u;

/** No top-level domain mixes scripts so: a word of the sentence around the address clings to it (`naver.com으로`). */
const TOP_LEVEL =
  /^(?:[\p{Script=Latin}0-9-]+|\p{Script=Hangul}+|[^\p{Script=Latin}\p{Script=Hangul}0-9-]+)$/u;

/** After a domain in ASCII, what follows an ideographic full stop is the next sentence (`naver.com。감사합니다`). */
const NEXT_SENTENCE = /[\w-][\u3002\uff0e\uff61][^.\u3002\uff0e\uff61]*\P{ASCII}[^.\u3002\uff0e\uff61]*$/u;

/**
 * A domain in ASCII (UTS #46), or undefined when it is none that somebody meant. Judged as it was written and as
 * what it means, so that each spelling of one domain is judged alike.
 */
function canonicalDomain(written: string): string | undefined {
  const ascii = domainToASCII(written);
  const meant = domainToUnicode(ascii);
  if (NEXT_SENTENCE.test(written)) return undefined;
  if (!DOMAIN.test(written) || !DOMAIN.test(meant) || !TOP_LEVEL.test(topLevel(meant))) return undefined;
  // A letter that only looks like an ASCII one, as in `example.comº`.
  const isAscii = /^[\w-]+$/.test(topLevel(written));
  return isAscii || topLevel(ascii).startsWith('xn--') ? ascii : undefined;
}

function topLevel(domain: string): string {
  return domain.split(/[.\u3002\uff0e\uff61]/).at(-1) ?? '';
}

/**
 * Whether an address is as nearly all are: short, of letters and digits with single marks between them. isEmail()
 * finds nothing wrong with such a one and nothing in it changes, so it need not be asked.
 */
export function isPlainAddress(address: string): boolean {
  return (
    address.length <= 64 &&
    /^[a-z0-9]+(?:[._+-][a-z0-9]+)*@(?:[a-z0-9]+(?:-[a-z0-9]+)*\.)+[a-z]{2,}$/.test(address)
  );
}

async function isEmail(address: string): Promise<boolean> {
  const outcome = await emailChain.run({ body: { email: address } }, { dryRun: true });
  return outcome.isEmpty();
}

/** Hosts whose mailboxes ignore dots: one person, many spellings. */
const GMAIL = new Set(['gmail.com', 'googlemail.com']);

/**
 * The mailbox behind a canonical address: without its `+tag`, and at Gmail without dots. An address that is
 * all tag keeps it.
 */
export function defaultMailbox(address: string): string {
  const at = address.lastIndexOf('@');
  const local = address.slice(0, at);
  const domain = address.slice(at + 1);
  const tag = local.indexOf('+');
  const untagged = tag > 0 ? local.slice(0, tag) : local;
  return GMAIL.has(domain) ? `${untagged.replaceAll('.', '')}@gmail.com` : `${untagged}@${domain}`;
}

/** An address as events and errors show it: enough to recognise one's own, not enough to write to. */
export function maskAddress(address: string): string {
  const at = address.lastIndexOf('@');
  return `${address.slice(0, 1)}***${address.slice(at)}`;
}
