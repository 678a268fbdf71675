/** What counts as one client, and that a client cannot change it. */
import express from 'express';
import { createEmailVerification, emailVerificationRouter } from 'express-email-verification';
import { FROM, SECRET } from '../support/app.js';
import { expectDocumented } from '../support/documented.js';
import {
  clientAddress,
  inParallel,
  memoryInbox,
  type Service,
  STORES,
  tally,
  useServices,
} from './services.js';

const { open, listen, storeOf, redis } = useServices();
const inbox = memoryInbox();
const options = { rateLimit: { send: { limit: 5 } }, delivery: inbox.delivery } as const;

let people = 0;
const newEmail = () => `person${people++}@example.com`;

/** Whether the client at this address has used up its five sends. */
async function isLimited(service: Service, ip: string): Promise<boolean> {
  return (await service.send({ email: newEmail() }, ip)).status === 429;
}

describe.each(STORES)('on %s', (name) => {
  const oneClient: [what: string, addresses: string[]][] = [
    ['the same IPv4 address', ['203.0.113.7']],
    [
      'an IPv4 address mapped into IPv6',
      [
        '203.0.113.8',
        '::ffff:203.0.113.8',
        '::FFFF:203.0.113.8',
        '::ffff:cb00:7108',
        '0:0:0:0:0:ffff:cb00:7108',
      ],
    ],
    [
      'one IPv6 address in several spellings',
      [
        '2001:db8:1:200::1',
        '2001:DB8:1:200::1',
        '2001:0db8:0001:0200:0000:0000:0000:0001',
        '2001:db8:1:200:0:0:0.0.0.1',
      ],
    ],
    [
      'other hosts of one /64',
      ['2001:db8:2:200::1', '2001:db8:2:200::2', '2001:db8:2:200:ffff:ffff:ffff:ffff'],
    ],
    ['other networks of one /56', ['2001:db8:3:200::1', '2001:db8:3:201::1', '2001:db8:3:2ff:1:2:3:4']],
    [
      'an IPv4 address with the port of each connection, as some proxies add it',
      ['203.0.113.11:50001', '203.0.113.11:50002', '203.0.113.11:50003', '203.0.113.11'],
    ],
    [
      'an IPv6 address with the port of each connection',
      ['[2001:db8:5:200::1]:50001', '[2001:db8:5:200::2]:50002', '[2001:db8:5:201::1]', '2001:db8:5:200::1'],
    ],
    ['one IPv6 address with a zone', ['fe80::1', 'fe80::1%eth0', 'fe80::1%eth1']],
  ];
  it.each(oneClient)('T3: %s counts as one client', async (_what, addresses) => {
    const service = await open({ store: storeOf(name), ...options });
    for (let n = 0; n < 5; n += 1)
      expect(await isLimited(service, addresses[n % addresses.length] ?? '')).toBe(false);
    for (const address of addresses) expect(await isLimited(service, address)).toBe(true);
  });

  it('T3: the next /56 and another IPv4 address count as other clients', async () => {
    const service = await open({ store: storeOf(name), ...options });
    for (let n = 0; n < 6; n += 1) await isLimited(service, '2001:db8:4:200::1');
    for (let n = 0; n < 6; n += 1) await isLimited(service, '203.0.113.9');
    expect(await isLimited(service, '2001:db8:4:200::1')).toBe(true);
    expect(await isLimited(service, '2001:db8:4:300::1')).toBe(false);
    expect(await isLimited(service, '203.0.113.10')).toBe(false);
  });

  const disguises: [what: string, fields: object, headers: Record<string, string>][] = [
    ['fields that name an address', { ip: '1.1.1.1', clientIp: '1.1.1.1', remoteAddress: '1.1.1.1' }, {}],
    ['fields that name a key', { key: 'x', identifier: 'x', userId: 'x', 'x-forwarded-for': '1.1.1.1' }, {}],
    ['prototype keys', { __proto__: { ip: '1.1.1.1' }, constructor: { prototype: { ip: '1.1.1.1' } } }, {}],
    ['a challengeId', { challengeId: 'x'.repeat(26) }, {}],
    ['another language', { locale: 'ko' }, { 'accept-language': 'ko' }],
    [
      'headers of other proxies',
      {},
      { 'x-real-ip': '1.1.1.1', 'cf-connecting-ip': '1.1.1.1', forwarded: 'for=1.1.1.1' },
    ],
    ['another user agent and session', {}, { 'user-agent': 'x', cookie: 'sid=x', authorization: 'Bearer x' }],
  ];
  it.each(disguises)('T4: with %s it is still the same client', async (_what, fields, headers) => {
    const service = await open({ store: storeOf(name), ...options });
    const from = { 'x-forwarded-for': '203.0.113.20' };
    for (let n = 0; n < 5; n += 1) await service.post('/ev/send', { email: newEmail() }, from);
    const disguised = await service.post(
      '/ev/send',
      { email: newEmail(), ...fields },
      { ...from, ...headers },
    );
    expect(disguised.status).toBe(429);
  });

  it('T4: what a client writes before its own address in X-Forwarded-For is ignored', async () => {
    const service = await open({ store: storeOf(name), ...options });
    for (let n = 0; n < 6; n += 1) await isLimited(service, `${clientAddress(n)}, 203.0.113.21`);
    expect(await isLimited(service, '1.1.1.1, 203.0.113.21')).toBe(true);
    expect(await isLimited(service, '203.0.113.21')).toBe(true);
  });

  it('T4: without a trusted proxy, X-Forwarded-For changes nothing', async () => {
    const verification = createEmailVerification({
      ...{ store: storeOf(name), transport: 'smtp://127.0.0.1:9', from: FROM, secret: SECRET },
      ...options,
    });
    const service = await listen(
      express().use('/ev', expectDocumented, emailVerificationRouter(verification)),
      verification,
    );
    const warnings = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const replies = await inParallel(30, (n) => service.send({ email: newEmail() }, clientAddress(n)));
    expect(tally(replies)).toEqual({ success: 5, too_many_requests: 25 });
    expect(warnings.mock.calls.map(([sentence]) => String(sentence))).toEqual([
      expect.stringContaining("'trust proxy'"),
    ]);
    warnings.mockRestore();
  });

  it('T3: the app decides how large the network of an IPv6 client is', async () => {
    const errors = jest.spyOn(console, 'error').mockImplementation(() => {});
    for (const ipv6Subnet of [64, () => 64]) {
      const service = await open({
        ...{ store: storeOf(name), delivery: inbox.delivery },
        rateLimit: { send: { limit: 5, ipv6Subnet, identifier: String(ipv6Subnet) } },
      });
      await redis.flush();
      for (let n = 0; n < 6; n += 1) await isLimited(service, `2001:db8:6:200::${n}`);
      expect(await isLimited(service, '2001:db8:6:200::1')).toBe(true);
      expect(await isLimited(service, '2001:db8:6:201::1')).toBe(false);
    }
    expect(errors.mock.calls).toEqual([]);
    errors.mockRestore();
  });

  it('T4: a custom keyGenerator decides what counts as one client', async () => {
    const keyGenerator = ({ ip = '' }) => ip;
    const rateLimit = { send: { limit: 1, keyGenerator } };
    const service = await open({ store: storeOf(name), delivery: inbox.delivery, rateLimit });
    for (const port of [1, 2, 3]) expect(await isLimited(service, `203.0.113.12:${port}`)).toBe(false);
    expect(await isLimited(service, '203.0.113.12:1')).toBe(true);
  });

  it('T4: if every proxy is trusted, clients can claim any address, and the app is warned once', async () => {
    const verification = createEmailVerification({
      ...{ store: storeOf(name), transport: 'smtp://127.0.0.1:9', from: FROM, secret: SECRET },
      ...options,
    });
    const app = express()
      .set('trust proxy', true)
      .use('/ev', expectDocumented, emailVerificationRouter(verification));
    const service = await listen(app, verification);
    const warnings = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const errors = jest.spyOn(console, 'error').mockImplementation(() => {});
    await inParallel(3, (n) => service.send({ email: newEmail() }, clientAddress(n)));
    expect(warnings.mock.calls.map(([sentence]) => String(sentence))).toEqual([
      expect.stringContaining("'trust proxy'"),
    ]);
    expect(errors.mock.calls).toEqual([]);
    warnings.mockRestore();
    errors.mockRestore();
  });

  it('T4: 200 parallel sends of one client: exactly its limit is let through', async () => {
    const service = await open({ store: storeOf(name), ...options });
    const replies = await inParallel(200, () => service.send({ email: newEmail() }, '203.0.113.30'));
    expect(tally(replies)).toEqual({ success: 5, too_many_requests: 195 });
  });

  it('T1: rateLimit.verify bounds the guesses of one client over many mailboxes', async () => {
    const service = await open({
      store: storeOf(name),
      ...options,
      rateLimit: { send: false, verify: { limit: 50 } },
    });
    const guess = (n: number) =>
      service.verify({ email: `person${n}@example.com`, code: '123456' }, '203.0.113.40');
    expect(tally(await inParallel(200, guess))).toEqual({ code_expired: 50, too_many_requests: 150 });
  });

  it.each([
    '',
    'unknown',
    '1.2.3',
    '1.2.3.4:5678',
    '[2001:db8::1]:443',
    '::',
    'a'.repeat(5000),
    '%00',
    '2001:db8::1::',
    '1.1.1.1,,',
  ])('T4: an X-Forwarded-For of %j gets an ordinary answer', async (header) => {
    const quiet = jest.spyOn(console, 'error').mockImplementation(() => {});
    const service = await open({ store: storeOf(name), ...options });
    const replies = await inParallel(7, () => service.send({ email: newEmail() }, header || ' '));
    for (const { status } of replies) expect([200, 429]).toContain(status);
    quiet.mockRestore();
  });
});

it('T3: client addresses are stored only as digests', async () => {
  const service = await open({ store: storeOf('RedisStore'), ...options });
  await service.send({ email: newEmail() }, '203.0.113.50');
  const keys = await redis.client.keys('*');
  expect(keys.length).toBeGreaterThan(2);
  expect(keys.join()).not.toContain('203');
});
