/** Refuses addresses at domains that accept no email, such as mistyped ones. While DNS does not answer, all pass. */

import { Resolver } from 'node:dns/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BeforeSend } from 'express-email-verification';

/**
 * @param deadline milliseconds after which an address passes. Keep it below `hookTimeout`.
 * @example createEmailVerification({ ...options, beforeSend: refuseDomainsWithoutMail() });
 */
export function refuseDomainsWithoutMail(
  resolver = new Resolver({ timeout: 500, tries: 2 }),
  deadline = 1500,
): BeforeSend {
  /** The mail servers of a domain are its MX records or, without any, the domain itself (RFC 5321 §5.1). */
  async function acceptsEmail(domain: string): Promise<boolean> {
    const servers = await found(resolver.resolveMx(domain));
    // A single MX record of "." says that the domain accepts no email (RFC 7505).
    if (servers.length > 0) return servers.some(({ exchange }) => exchange !== '' && exchange !== '.');
    const hosts = await Promise.all([found(resolver.resolve4(domain)), found(resolver.resolve6(domain))]);
    return hosts.flat().length > 0;
  }

  return async function refuseDomainsWithoutMail({ email }) {
    const domain = email.slice(email.lastIndexOf('@') + 1);
    const passes = acceptsEmail(domain).catch(() => true);
    if (await Promise.race([passes, sleep(deadline, true, { ref: false })])) return undefined;
    return { kind: 'refuse', message: `There is no email at ${domain}. Please check the address.` };
  };
}

/** The records that a query finds, or none if there are none. Any other failure says nothing about the domain. */
async function found<T>(query: Promise<T[]>): Promise<T[]> {
  return query.catch((error) => {
    if (error.code === 'ENOTFOUND' || error.code === 'ENODATA') return [];
    throw error;
  });
}
