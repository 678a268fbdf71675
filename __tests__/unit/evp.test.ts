/** evp(): its options, the addresses that it never asks, and the keys that it takes. */
import { createEmailVerification, MemoryStore } from 'express-email-verification';
import { type EvpOptions, evp } from 'express-email-verification/evp';
import { parseJwt, publicKeyIn, verifyJwt } from '../../lib/evp/jwt.js';
import { PROFILE } from '../../lib/evp/profile.js';
import { isPublicAddress, isPublicHost } from '../../lib/evp/public-address.js';
import { createSharedCache } from '../../lib/evp/shared-cache.js';
import { FROM, SECRET } from '../support/app.js';
import { ed25519, jwkOf, p256, signJwt } from '../support/issuer.js';

const required = { origins: ['https://acme.example'] };
const create = (options: unknown) => () => evp(options as EvpOptions);

describe('its options', () => {
  it.each([
    {},
    {
      issuers: undefined,
      timeout: undefined,
      privateEmail: undefined,
      dns: undefined,
      localIssuers: undefined,
    },
    { origins: ['https://acme.example', 'http://localhost:3000'], issuers: ['accounts.google.com'] },
    { timeout: 50, privateEmail: true, localIssuers: { 'issuer.example': { port: 8443, ca: '' } } },
  ])('may be %p', (options) => {
    expect(create({ ...required, ...options })).not.toThrow();
  });

  it.each<[unknown, string]>([
    [undefined, 'evp() takes an object of options.'],
    [{}, "The `origins` option of evp() must be an array of origins, as in ['https://acme.example']."],
    [{ origin: 'https://acme.example' }, 'Unknown option `origin` of evp(). Did you mean `origins`?'],
    [{ origins: 'https://acme.example' }, 'must be an array of origins'],
    [{ origins: [] }, 'must be an array of origins'],
    [{ origins: [undefined] }, 'The `origins[0]` option of evp() must be an https origin'],
    [{ origins: ['https://acme.example/'] }, "Received 'https://acme.example/'."],
    [{ origins: ['http://acme.example'] }, 'must be an https origin'],
    [{ origins: ['https://acme.example', 'acme.example'] }, 'The `origins[1]` option of evp()'],
    [{ ...required, issuers: [] }, 'The `issuers` option of evp() must be an array of hosts'],
    [{ ...required, issuers: ['https://accounts.google.com'] }, 'must be an array of hosts'],
    [{ ...required, issuers: ['localhost'] }, 'must be an array of hosts'],
    [{ ...required, timeout: 49 }, 'The `timeout` option of evp() must be a whole number from 50 to 60000.'],
    [{ ...required, timeout: '1s' }, 'a whole number from 50 to 60000'],
    [{ ...required, privateEmail: 'yes' }, 'The `privateEmail` option'],
    [{ ...required, dns: {} }, 'The `dns` option of evp() must be an object with resolveTxt().'],
    [{ ...required, localIssuers: [] }, 'must be an object of { port, ca } by host'],
    [{ ...required, localIssuers: { localhost: { port: 1, ca: '' } } }, 'an object of { port, ca } by host'],
    [{ ...required, localIssuers: { 'a.example': 8443 } }, 'The `localIssuers.a.example` option of evp()'],
    [{ ...required, localIssuers: { 'a.example': { port: 0, ca: '' } } }, 'must be a port. Received 0.'],
    [{ ...required, localIssuers: { 'a.example': { port: 1 } } }, 'must be a certificate in PEM'],
    [{ ...required, localIssuers: { 'a.example': { port: 1, ca: '', host: 'x' } } }, 'Unknown option'],
  ])('are refused when they are %p', (options, sentence) => {
    expect(create(options)).toThrow(sentence);
  });

  it('have no issuers on this machine in production', () => {
    const { NODE_ENV } = process.env;
    process.env['NODE_ENV'] = 'production';
    try {
      expect(create({ ...required, localIssuers: {} })).toThrow('NODE_ENV is production');
      expect(create(required)).not.toThrow();
    } finally {
      process.env['NODE_ENV'] = NODE_ENV;
    }
  });
});

describe('the `browserProof` option', () => {
  const options = { store: new MemoryStore(), transport: 'smtp://127.0.0.1:1', from: FROM, secret: SECRET };

  it('refuses what cannot check a proof', () => {
    for (const browserProof of [{}, () => {}, 'evp', { check: true }]) {
      expect(() => createEmailVerification({ ...options, browserProof: browserProof as never })).toThrow(
        'The `browserProof` option must be what evp() returned, or an object with check().',
      );
    }
  });

  it('refuses a store that cannot remember nonces', () => {
    const { prove: _prove, ...store } = Object.fromEntries(
      ['open', 'attempt', 'discard', 'redeem', 'release', 'peek', 'count', 'check', 'prove'].map((name) => [
        name,
        async () => {},
      ]),
    );
    const create = (browserProof?: ReturnType<typeof evp>) => () =>
      createEmailVerification({ ...options, store: store as never, browserProof });
    expect(create()).not.toThrow();
    expect(create(evp(required))).toThrow('`browserProof` needs a `store` with the operation prove()');
  });

  it('gives createNonce() to apps without HTTP, and without it, createNonce() says what is missing', () => {
    const verification = createEmailVerification({ ...options, browserProof: evp(required) });
    expect(verification.createNonce()).toEqual({
      nonce: expect.stringMatching(/^[\w-]{48}$/),
      expiresIn: 600,
    });
    expect(() => createEmailVerification(options).createNonce()).toThrow(
      'createNonce() needs the `browserProof` option.',
    );
  });
});

describe('T77: an address is public', () => {
  it.each([
    '93.184.216.34',
    '8.8.8.8',
    '172.15.0.1',
    '172.32.0.1',
    '100.63.0.1',
    '100.128.0.1',
    '2606:4700::1111',
    '2a00:1450:4001::1',
  ])('if it is %s', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });

  it.each([
    ...['0.0.0.0', '10.1.2.3', '100.64.0.1', '127.0.0.1', '127.255.255.255', '169.254.169.254', '172.16.0.1'],
    ...[
      '172.31.255.255',
      '192.0.0.1',
      '192.0.2.1',
      '192.168.1.1',
      '198.18.0.1',
      '198.51.100.1',
      '203.0.113.1',
    ],
    ...['224.0.0.1', '240.0.0.1', '255.255.255.255', '::', '::1', '::ffff:127.0.0.1', '::ffff:8.8.8.8'],
    ...[
      '::127.0.0.1',
      '64:ff9b::7f00:1',
      '64:ff9b:1::1',
      '100::1',
      '2001::1',
      '2001:db8::1',
      '2002:7f00:1::',
    ],
    ...['3fff::1', 'fc00::1', 'fd12::1', 'fe80::1', 'fec0::1', 'ff02::1', '5f00::1'],
    ...['localhost', '', '127.1', '2130706433', '0x7f000001', 'fe80::1%eth0'],
  ])('but not if it is %j', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  it.each(['accounts.google.com', 'issuer.example', 'xn--bcher-kva.example', 'a-b.c1.co'])(
    'and so may be %s',
    (host) => {
      expect(isPublicHost(host)).toBe(true);
    },
  );

  it.each([
    ...[
      'localhost',
      'a.localhost',
      'printer.local',
      'metadata.google.internal',
      'router.home.arpa',
      'x.onion',
    ],
    ...['127.0.0.1', '1.1', '[::1]', '::1', 'com', 'a..com', '.com', 'com.', 'A.com', 'a_b.com', 'a.com:443'],
    ...[
      'a.com/x',
      'user@a.com',
      ' a.com',
      'a.com\n',
      '-a.com',
      'a-.com',
      'b\u00fccher.example',
      `${'a'.repeat(64)}.com`,
    ],
    ...[`${'a.'.repeat(130)}com`, 'a.1', ''],
  ])('but not %j', (host) => {
    expect(isPublicHost(host)).toBe(false);
  });
});

describe('the cache', () => {
  const cacheOf = (maxEntries: number, maxLoads: number, ttl = 1000) => {
    const loads: string[] = [];
    const release: (() => void)[] = [];
    const cache = createSharedCache<string>(maxEntries, maxLoads, async (key) => {
      loads.push(key);
      await new Promise<void>((resolve) => release.push(resolve));
      return { value: key, ttl };
    });
    const settle = async () => {
      for (const one of release.splice(0)) one();
      await new Promise((resolve) => setImmediate(resolve));
    };
    return { cache, loads, settle };
  };

  it('shares one load, and keeps the most recently used', async () => {
    const { cache, loads, settle } = cacheOf(2, 10);
    const both = [cache.get('a'), cache.get('a')];
    await settle();
    expect(await Promise.all(both)).toEqual(['a', 'a']);
    void cache.get('b');
    await settle();
    void cache.get('a');
    void cache.get('c');
    await settle();
    void cache.get('a');
    void cache.get('b');
    await settle();
    expect(loads).toEqual(['a', 'b', 'c', 'b']);
  });

  it('begins no more loads than it may, and others once they are done', async () => {
    const { cache, settle } = cacheOf(10, 2);
    void cache.get('a');
    void cache.get('b');
    expect(cache.get('c')).toBeUndefined();
    expect(cache.get('b')).toBeDefined();
    await settle();
    expect(cache.get('c')).toBeDefined();
    await settle();
  });

  it('keeps what it has while no other can be loaded', async () => {
    const { cache, loads, settle } = cacheOf(10, 2);
    void cache.get('a');
    await settle();
    void cache.get('b');
    void cache.get('c');
    expect(cache.forget('a', 0)).toBe(false);
    expect(cache.get('a')).toBeDefined();
    await settle();
    expect(cache.forget('a', 0)).toBe(true);
    void cache.get('a');
    await settle();
    expect(loads).toEqual(['a', 'b', 'c', 'a']);
  });

  it('uses nothing after its end', async () => {
    const { cache, loads, settle } = cacheOf(10, 10, 0);
    void cache.get('a');
    await settle();
    void cache.get('a');
    await settle();
    expect(loads).toEqual(['a', 'a']);
  });
});

it('a key is one for its own algorithm alone', () => {
  const pairs = { EdDSA: ed25519(), Ed25519: ed25519(), ES256: p256() };
  for (const [of, pair] of Object.entries(pairs)) {
    const key = publicKeyIn(jwkOf(pair));
    expect(key?.algorithm).toBe(PROFILE.algorithms.get(of));
    for (const alg of [...PROFILE.algorithms.keys(), 'HS256', 'none', 'RS256', '__proto__']) {
      const isSame = PROFILE.algorithms.get(alg) === PROFILE.algorithms.get(of);
      const jwt = parseJwt(signJwt({ alg }, {}, pair));
      expect([of, alg, jwt && verifyJwt(jwt, key)]).toEqual([of, alg, isSame]);
      expect([of, alg, publicKeyIn({ ...jwkOf(pair), alg }) !== undefined]).toEqual([of, alg, isSame]);
    }
  }
  for (const key of [
    undefined,
    null,
    7,
    'key',
    [],
    { kty: 'OKP', crv: 'Ed25519' },
    { ...jwkOf(p256()), y: 'AAAA' },
    { ...jwkOf(p256()), y: undefined },
    { ...jwkOf(p256()), alg: { toString: null } },
    { ...jwkOf(p256()), alg: ['ES256'] },
    { ...jwkOf(ed25519()), kty: 'EC' },
  ])
    expect(publicKeyIn(key)).toBeUndefined();
});
