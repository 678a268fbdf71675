/**
 * Reads a JSON document of an issuer: over HTTPS on its own port, without redirects, of bounded size and in bounded time, and
 * never from an address that is not public. The addresses are checked where the connection uses them, so that a second look-up
 * cannot return others.
 */
import { type RequestOptions, request } from 'node:https';
import type { LookupFunction } from 'node:net';
import type { EvpDns, LocalIssuer } from './options.js';
import { isPublicAddress, isPublicHost } from './public-address.js';

/** The documents of Google have less than 2 kB. */
const MAX_BYTES = 65_536;

/** The issuer, or what it named, is where no issuer may be. */
export const FORBIDDEN = 'EFORBIDDEN';

interface Network {
  readonly dns: EvpDns;
  readonly localIssuers: ReadonlyMap<string, LocalIssuer>;
}

export type FetchJson = (url: string, signal: AbortSignal) => Promise<unknown>;

/** @returns a function that rejects with an error whose message names the URL. */
export function createFetchJson({ dns, localIssuers }: Network): FetchJson {
  const lookup = lookupBy(dns);

  return async function fetchJson(url, signal) {
    const target = targetOf(url);
    if (!target) throw failure(`An issuer has no document at ${JSON.stringify(shortened(url))}`, FORBIDDEN);
    const local = localIssuers.get(target.hostname);
    const text = await read(target, signal, local ? connectionTo(local, target.hostname) : { lookup });
    try {
      return JSON.parse(text);
    } catch {
      throw failure(`${shortened(target.href)} is not JSON`, 'EJSON');
    }
  };
}

function targetOf(url: string): URL | undefined {
  const target = URL.canParse(url) ? new URL(url) : undefined;
  if (target?.protocol !== 'https:' || target.port !== '' || target.username || target.password)
    return undefined;
  return isPublicHost(target.hostname) ? target : undefined;
}

function connectionTo({ port, ca }: LocalIssuer, servername: string): RequestOptions {
  return { host: '127.0.0.1', port, ca, servername };
}

function read(target: URL, signal: AbortSignal, connection: RequestOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    const fail = (what: string, code: string) => {
      reject(failure(`${shortened(target.href)} ${what}`, code));
      call.destroy();
    };
    const onError = ({ message, code = 'EHTTP' }: NodeJS.ErrnoException) =>
      fail(`could not be read: ${shortened(message)}`, code);
    const call = request({
      host: target.hostname,
      path: target.pathname + target.search,
      headers: { Host: target.hostname, Accept: 'application/json', 'Accept-Encoding': 'identity' },
      // A connection of its own, which ends with the response.
      agent: false,
      maxHeaderSize: 16_384,
      // Whatever NODE_TLS_REJECT_UNAUTHORIZED says: who may vouch for an address depends on it.
      rejectUnauthorized: true,
      signal,
      ...connection,
    });
    call.on('error', onError);
    // Without a listener, Node closes the connection without an error.
    call.on('upgrade', ({ statusCode }, socket) => {
      socket.destroy();
      fail(`answered ${statusCode}`, 'EHTTP');
    });
    call.on('response', (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('error', onError);
      // A redirect is refused like any other status.
      if (response.statusCode !== 200) return fail(`answered ${response.statusCode}`, 'EHTTP');
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > MAX_BYTES) fail('is too large', 'ESIZE');
        else chunks.push(chunk);
      });
      response.on('end', () => resolve(Buffer.concat(chunks).toString()));
    });
    call.end();
  });
}

/** Resolves a host by the DNS alone. If one of its addresses is not public, none is used. */
function lookupBy({ resolve4, resolve6 }: EvpDns): LookupFunction {
  return (hostname, { all }, callback) => {
    void addressesOf(hostname).then(
      (addresses) => {
        const [first] = addresses;
        if (all || !first) return callback(null, addresses);
        return callback(null, first.address, first.family);
      },
      (error: NodeJS.ErrnoException) => callback(error, []),
    );
  };

  async function addressesOf(hostname: string) {
    const results = await Promise.allSettled([resolve4(hostname), resolve6(hostname)]);
    const addresses = results.flatMap((result, n) =>
      result.status === 'fulfilled'
        ? result.value.map((address) => ({ address, family: n === 0 ? 4 : 6 }))
        : [],
    );
    if (addresses.length === 0) throw failure(`${hostname} has no address`, 'ENOTFOUND');
    if (!addresses.every(({ address }) => isPublicAddress(address)))
      throw failure(`${hostname} has an address that is not public`, FORBIDDEN);
    return addresses;
  }
}

function failure(message: string, code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${message}.`), { code });
}

/** An issuer chose it, and it goes into a log. */
function shortened(text: string): string {
  return text.slice(0, 200).replace(/[\s\p{C}]+/gu, ' ');
}
