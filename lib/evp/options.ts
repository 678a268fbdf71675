/** The options of evp(), checked when the app starts. */
import { Resolver } from 'node:dns/promises';
import { checkBoolean, isOptions, isWhole, readOptions, readOptionsOf, refuse } from '../checks.js';
import { hasMethod } from '../describe.js';
import { checkOrigin } from '../options/rules.js';
import { isPublicHost } from './public-address.js';

export interface EvpOptions {
  /** The origins of the pages with the form, such as `https://acme.example`. Proofs made for other pages are refused. */
  readonly origins: readonly string[];
  /** The only issuers to ask, by their hosts, such as `accounts.google.com`. @default any that a domain names in its DNS */
  readonly issuers?: readonly string[] | undefined;
  /** Milliseconds that a proof may delay a send, 50 to 60000. Keep it below `hookTimeout`. @default 1500 */
  readonly timeout?: number | undefined;
  /** Whether a private address that the provider gave in place of the one typed may be verified. @default false */
  readonly privateEmail?: boolean | undefined;
  /** What asks the DNS: a `Resolver` of node:dns/promises, or an object with these methods. @default the system's servers */
  readonly dns?: EvpDns | undefined;
  /** Issuers on this machine, by their hosts, for development and tests. Refused in production. @default none */
  readonly localIssuers?: Readonly<Record<string, LocalIssuer>> | undefined;
}

/** What evp() asks the DNS. */
export interface EvpDns {
  resolveTxt(name: string): Promise<string[][]>;
  resolve4(host: string): Promise<string[]>;
  resolve6(host: string): Promise<string[]>;
}

/** An issuer that listens on 127.0.0.1. */
export interface LocalIssuer {
  readonly port: number;
  /** The certificate that it serves, or that of whoever signed it, in PEM. */
  readonly ca: string;
}

/** The options after defaults and checks. */
export type EvpSettings = ReturnType<typeof createEvpSettings>;

const OF = 'evp()';

const NAMES = {
  origins: true,
  issuers: true,
  timeout: true,
  privateEmail: true,
  dns: true,
  localIssuers: true,
} as const;

/** @throws TypeError or RangeError that names the option, what was expected and what was received. */
export function createEvpSettings(passed: EvpOptions) {
  const options = readOptionsOf(OF, passed, NAMES);
  const { timeout = 1500, privateEmail = false } = options;
  if (!isWhole(timeout, 50, 60_000)) return refuse('timeout', 'a whole number from 50 to 60000', timeout, OF);
  return {
    origins: checkOrigins(options.origins),
    issuers: options.issuers === undefined ? undefined : new Set(checkIssuers(options.issuers)),
    timeout,
    privateEmail: checkBoolean('privateEmail', privateEmail),
    dns: checkDns(options.dns, timeout),
    localIssuers: checkLocalIssuers(options.localIssuers),
  };
}

function checkOrigins(origins: unknown): readonly string[] {
  if (!Array.isArray(origins) || origins.length === 0)
    return refuse('origins', "an array of origins, as in ['https://acme.example']", origins, OF);
  // Undefined, as an unset environment variable, is not an origin here.
  return Array.from(origins, (origin: unknown, n) => checkOrigin(origin ?? null, `origins[${n}]`, OF) ?? '');
}

function checkIssuers(issuers: unknown): readonly string[] {
  if (!Array.isArray(issuers) || issuers.length === 0) return refuse('issuers', HOSTS, issuers, OF);
  return Array.from(issuers, (host: unknown) =>
    typeof host === 'string' && isPublicHost(host) ? host : refuse('issuers', HOSTS, issuers, OF),
  );
}

const HOSTS = "an array of hosts, as in ['accounts.google.com']";

/** Wrapped, because methods are passed on without their object. */
function checkDns(dns: EvpDns | undefined, timeout: number): EvpDns {
  // One more try within the time there is.
  const asked = dns ?? new Resolver({ timeout: Math.ceil(timeout / 3), tries: 2 });
  for (const method of ['resolveTxt', 'resolve4', 'resolve6']) {
    if (!hasMethod(asked, method)) return refuse('dns', `an object with ${method}()`, dns, OF);
  }
  return {
    resolveTxt: async (name) => asked.resolveTxt(name),
    resolve4: async (host) => asked.resolve4(host),
    resolve6: async (host) => asked.resolve6(host),
  };
}

function checkLocalIssuers(issuers: unknown): ReadonlyMap<string, LocalIssuer> {
  if (issuers === undefined) return new Map();
  if (process.env['NODE_ENV'] === 'production') {
    throw new TypeError(
      'The `localIssuers` option of evp() is for development and tests, and NODE_ENV is production.',
    );
  }
  if (!isOptions(issuers)) return refuse('localIssuers', 'an object of { port, ca } by host', issuers, OF);
  return new Map(
    Object.entries(issuers).map(([host, issuer]) => {
      const path = `localIssuers.${host}`;
      if (!isPublicHost(host)) refuse('localIssuers', 'an object of { port, ca } by host', issuers, OF);
      if (!isOptions(issuer)) return refuse(path, '{ port, ca }', issuer, OF);
      const names: Partial<LocalIssuer> = issuer;
      const { port, ca } = readOptions(names, { port: true, ca: true }, { path, of: OF });
      if (!isWhole(port, 1, 65_535)) return refuse(`${path}.port`, 'a port', port, OF);
      if (typeof ca !== 'string') return refuse(`${path}.ca`, 'a certificate in PEM', ca, OF);
      return [host, { port, ca }] as const;
    }),
  );
}
