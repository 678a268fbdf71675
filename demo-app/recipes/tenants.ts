/**
 * Several tenants on one verification: each has its own sender, name and logo. Codes, tokens and limits belong to the
 * address, so that one verified for a tenant is verified for all.
 */

import {
  createEmailVerification,
  defaultTemplate,
  type EmailVerification,
  type EmailVerificationOptions,
} from 'express-email-verification';

export interface Tenant {
  readonly name: string;
  /** The transport must be allowed to send for this address. */
  readonly from: string;
  readonly logo: { readonly url: string; readonly width: number; readonly height: number };
  readonly support: string;
}

/** @param tenants by host name, such as `shop.example`. */
export function createVerification(
  options: EmailVerificationOptions,
  tenants: ReadonlyMap<string, Tenant>,
): EmailVerification {
  return createEmailVerification({
    ...options,
    beforeSend({ request }) {
      const host = request?.hostname ?? '';
      const tenant = tenants.get(host);
      if (!tenant) return { kind: 'refuse', message: `No sign-up at ${host}.` };
      return { kind: 'send', appName: tenant.name, from: tenant.from, data: host };
    },
    template(input) {
      const tenant = tenants.get(String(input.data));
      return defaultTemplate(input, tenant && { logo: tenant.logo, support: tenant.support });
    },
  });
}
