/** Finds out which issuer speaks for a domain, by the DNS, and which keys it has, by its metadata. */
import { codeOf, propertyOf, textOf } from '../errors.js';
import { createFetchJson, FORBIDDEN } from './fetch-json.js';
import type { EvpSettings } from './options.js';
import { type Refused, refused } from './presentation.js';
import { PROFILE } from './profile.js';
import { isPublicHost } from './public-address.js';
import { createSharedCache, type Loaded } from './shared-cache.js';

const { record, metadata, issuerScheme } = PROFILE;

/** What an issuer publishes. */
export interface IssuerKeys {
  readonly kind: 'keys';
  /** JSON Web Keys as the issuer wrote them. */
  readonly keys: readonly unknown[];
  /** The algorithms that it says it signs with. */
  readonly algorithms: readonly string[];
}

/** The host that the DNS names for a domain. */
export interface NamedIssuer {
  readonly kind: 'issuer';
  readonly host: string;
}

export interface Discovery {
  issuerOf(domain: string): Promise<NamedIssuer | Refused>;
  keysOf(issuer: string): Promise<IssuerKeys | Refused>;
  /** Forgets the keys of an issuer that may have new ones. Returns whether keysOf() will load them again. */
  forgetKeys(issuer: string): boolean;
}

/** How long an answer is used, in ms: a good one, and one that may be better the next time. */
const FOUND_FOR = 600_000;
const MISSED_FOR = 30_000;

/** How often the keys of an issuer are loaded again because a signature matches none of them, in ms. */
const NEW_KEYS_EVERY = 60_000;

/** Domains and issuers that are remembered, and that are asked at once. */
const MAX_KNOWN = 500;
const MAX_LOADS = 50;

const MAX_KEYS = 20;

export function createDiscovery(settings: EvpSettings): Discovery {
  const fetchJson = createFetchJson(settings);
  const { dns, timeout } = settings;

  const issuers = createSharedCache<NamedIssuer | Refused>(MAX_KNOWN, MAX_LOADS, async (domain) => {
    try {
      const records = await within(timeout, dns.resolveTxt(`${record.label}.${domain}`));
      const host = issuerIn(records);
      if (host !== undefined) return found({ kind: 'issuer', host });
      return missed(refused(records.length === 0 ? 'no_issuer' : 'issuer_record'));
    } catch (cause) {
      return missed(NO_RECORD.has(codeOf(cause) ?? '') ? refused('no_issuer') : refused('dns', cause));
    }
  });

  const documents = createSharedCache<IssuerKeys | Refused>(MAX_KNOWN, MAX_LOADS, async (issuer) => {
    try {
      // One deadline for both.
      const signal = AbortSignal.timeout(timeout);
      const described = await fetchJson(issuerScheme + issuer + metadata.path, signal);
      const uri = keysUriIn(described, issuer);
      if (uri === undefined) return missed(refused('issuer_metadata'));
      const keys = propertyOf(await fetchJson(uri, signal), 'keys');
      if (!Array.isArray(keys) || keys.length > MAX_KEYS) return missed(refused('issuer_metadata'));
      return found({ kind: 'keys', keys, algorithms: algorithmsIn(described) });
    } catch (cause) {
      return missed(refused(reasonOf(cause), cause));
    }
  });

  return {
    issuerOf: async (domain) => issuers.get(domain) ?? refused('busy'),
    keysOf: async (issuer) => documents.get(issuer) ?? refused('busy'),
    forgetKeys: (issuer) => documents.forget(issuer, NEW_KEYS_EVERY),
  };
}

/** What the DNS answers if there is no such name or no such record. */
const NO_RECORD: ReadonlySet<string> = new Set(['ENOTFOUND', 'ENODATA']);

/** The host in the only TXT record. With another record beside it, or another form, nobody is named. */
function issuerIn(records: readonly (readonly string[])[]): string | undefined {
  const [only, another] = records;
  const text = only && !another ? only.join('') : '';
  const host = text.startsWith(record.prefix) ? text.slice(record.prefix.length) : '';
  return isPublicHost(host) ? host : undefined;
}

function keysUriIn(described: unknown, issuer: string): string | undefined {
  const itself = propertyOf(described, metadata.issuer);
  if (itself !== undefined && itself !== issuerScheme + issuer && itself !== issuer) return undefined;
  return textOf(described, metadata.keys);
}

function algorithmsIn(described: unknown): readonly string[] {
  const named = propertyOf(described, metadata.algorithms);
  if (!Array.isArray(named)) return [metadata.defaultAlgorithm];
  return named.filter((name) => typeof name === 'string');
}

function reasonOf(cause: unknown): string {
  switch (codeOf(cause)) {
    case FORBIDDEN:
      return 'issuer_forbidden';
    case 'EJSON':
    case 'ESIZE':
      return 'issuer_metadata';
    default:
      return 'issuer_unreachable';
  }
}

function found<T>(value: T): Loaded<T> {
  return { value, ttl: FOUND_FOR };
}

function missed(value: Refused): Loaded<Refused> {
  return { value, ttl: MISSED_FOR };
}

async function within<T>(timeout: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const error = Object.assign(new Error('The DNS did not answer in time.'), { code: 'ETIMEDOUT' });
    timer = setTimeout(() => reject(error), timeout);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
    promise.catch(() => {});
  }
}
