/**
 * The canonical address: the one string for the key, the mail and `req.verifiedEmail`; and the mailbox behind
 * it, which limits count on and nothing is ever mailed to.
 */
import { domainToASCII } from 'node:url';
import { body } from 'express-validator';

/** RFC 5321 §4.5.3.1.3: a path of 256 octets, less its angle brackets. */
const LONGEST = 254;

const emailChain = body('email').isEmail({ allow_utf8_local_part: false });

/**
 * The canonical form of what somebody typed, or undefined when it is not one address of one person.
 *
 * Judged twice: a domain can pass as written and become another when it is mapped to ASCII
 * (`a@①②⑦.⓪.⓪.①①` is 127.0.0.11), and an invisible character in it would be mailed without.
 */
export async function canonicalAddress(typed: unknown): Promise<string | undefined> {
  if (typeof typed !== 'string' || typed.length > 2 * LONGEST || !typed.isWellFormed()) return undefined;
  if (isPlainAddress(typed)) return typed;
  const trimmed = typed.replace(/^[ \t]+|[ \t]+$/g, '');
  if (trimmed.length > LONGEST || trimmed.includes('"') || !(await isEmail(trimmed))) return undefined;

  const at = trimmed.lastIndexOf('@');
  const canonical = `${trimmed.slice(0, at).toLowerCase()}@${domainToASCII(trimmed.slice(at + 1))}`;
  if (canonical === trimmed) return canonical;
  return canonical.length <= LONGEST && (await isEmail(canonical)) ? canonical : undefined;
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
