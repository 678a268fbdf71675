/** Refuses addresses at domains that take no email, such as a mistyped one. While DNS does not answer, all pass. */
import { Resolver } from 'node:dns/promises';
import { setTimeout } from 'node:timers/promises';
import type { BeforeSend } from 'express-email-verification';

/** createEmailVerification({ ...options, beforeSend: refuseDomainsWithoutMail() }) */
export function refuseDomainsWithoutMail(
  resolver = new Resolver({ timeout: 500, tries: 2 }),
  deadline = 1500,
): BeforeSend {
  /** A mail server by RFC 5321 §5.1: one of the MX records or, without any, the domain itself. */
  async function takesEmail(domain: string): Promise<boolean> {
    const servers = await found(resolver.resolveMx(domain));
    // A single MX of "." says that the domain takes no email (RFC 7505).
    if (servers.length > 0) return servers.some(({ exchange }) => exchange !== '' && exchange !== '.');
    const hosts = await Promise.all([found(resolver.resolve4(domain)), found(resolver.resolve6(domain))]);
    return hosts.flat().length > 0;
  }

  return async function refuseDomainsWithoutMail({ email }) {
    const domain = email.slice(email.lastIndexOf('@') + 1);
    const passes = takesEmail(domain).catch(() => true);
    if (await Promise.race([passes, setTimeout(deadline, true, { ref: false })])) return undefined;
    return { kind: 'refuse', message: `There is no email at ${domain}. Please check the address.` };
  };
}

/** The records of a query, none if it says that there are none. Any other failure says nothing about the domain. */
async function found<T>(query: Promise<T[]>): Promise<T[]> {
  return query.catch((error) => {
    if (error.code === 'ENOTFOUND' || error.code === 'ENODATA') return [];
    throw error;
  });
}
