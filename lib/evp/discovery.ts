/** Finds out which issuer speaks for a domain, by the DNS, and which keys it has, by its metadata. */
import { codeOf, propertyOf, textOf } from '../errors.js';
import { createFetchJson, FORBIDDEN } from './fetch-json.js';
import { type PublicKey, publicKeyIn } from './jwt.js';
import type { EvpSettings } from './options.js';
import { type Refused, refused } from './presentation.js';
import { type Algorithm, PROFILE } from './profile.js';
import { isPublicHost } from './public-address.js';
import { createSharedCache, type Loaded } from './shared-cache.js';

const { algorithms, record, metadata, issuerScheme } = PROFILE;

/** What an issuer publishes. Only what is used of it is kept: it may be thousands of values. */
export interface IssuerKeys {
  readonly kind: 'keys';
  readonly keys: readonly IssuerKey[];
  /** Those of ours that it says it signs with. */
  readonly algorithms: ReadonlySet<Algorithm>;
}

export interface IssuerKey extends PublicKey {
  /** Gmail publishes keys without a name. */
  readonly keyId: string | undefined;
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
      const records = await within(timeout, 'The DNS', () => dns.resolveTxt(`${record.label}.${domain}`));
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
      const published = await within(timeout, issuer, (signal) => read(issuer, signal));
      return published ? found(published) : missed(refused('issuer_metadata'));
    } catch (cause) {
      return missed(refused(reasonOf(cause), cause));
    }
  });

  /** Undefined if it is not what an issuer publishes. */
  async function read(issuer: string, signal: AbortSignal): Promise<IssuerKeys | undefined> {
    const described = await fetchJson(issuerScheme + issuer + metadata.path, signal);
    const uri = keysUriIn(described, issuer);
    if (uri === undefined) return undefined;
    const keys = propertyOf(await fetchJson(uri, signal), 'keys');
    if (!Array.isArray(keys) || keys.length > MAX_KEYS) return undefined;
    return { kind: 'keys', keys: keys.flatMap(keyIn), algorithms: algorithmsIn(described) };
  }

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

function algorithmsIn(described: unknown): ReadonlySet<Algorithm> {
  const stated = propertyOf(described, metadata.algorithms);
  const named: readonly unknown[] = Array.isArray(stated) ? stated : [metadata.defaultAlgorithm];
  // Two names may mean the same keys.
  return new Set(named.flatMap((name) => (typeof name === 'string' && algorithms.get(name)) || []));
}

function keyIn(jwk: unknown): readonly IssuerKey[] {
  const its = publicKeyIn(jwk);
  const name = propertyOf(jwk, 'kid');
  if (!its || (name !== undefined && typeof name !== 'string')) return [];
  return [{ ...its, keyId: name }];
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

/** Ends in time, whatever becomes of the call. Then the signal is aborted. */
async function within<T>(
  timeout: number,
  who: string,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      const error = new Error(`${who} did not answer within ${timeout} ms.`);
      reject(Object.assign(error, { code: 'ETIMEDOUT' }));
      controller.abort();
    }, timeout);
  });
  try {
    return await Promise.race([call(controller.signal), late]);
  } finally {
    clearTimeout(timer);
  }
}
