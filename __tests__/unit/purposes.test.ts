/** createEmailVerifications(): several purposes on one store and one pool of connections. */
import {
  type CommonOptions,
  createEmailVerifications,
  MemoryStore,
  type PurposeOptions,
  RedisStore,
} from 'express-email-verification';
import { FROM, SECRET } from '../support/app.js';
import { useMailServer } from '../support/mail-server.js';
import { startRawSmtpServer } from '../support/raw-smtp-server.js';
import { useRedis } from '../support/redis.js';
import { until } from '../support/until.js';

const mail = useMailServer();
const redis = useRedis();
const email = 'minji@example.com';
const common = (store: CommonOptions['store'] = new MemoryStore()): CommonOptions => ({
  ...{ store, transport: mail.url, from: FROM, secret: SECRET, storeTimeout: 10_000 },
});

it.each([
  ['MemoryStore', () => new MemoryStore()],
  ['RedisStore', () => new RedisStore(redis.client)],
])('on %s, the limits of a mailbox hold over all purposes', async (_name, createStore) => {
  await redis.flush();
  const { one, two } = createEmailVerifications(common(createStore()), { one: {}, two: {} });
  expect(await one.send({ email })).toMatchObject({ kind: 'sent' });
  expect(await two.send({ email })).toMatchObject({ kind: 'too_many_requests' });
  await Promise.all([one.close(), two.close()]);
});

it('without a store, they share one in memory', async () => {
  const warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
  const { store: _, ...rest } = common();
  const { one, two } = createEmailVerifications(rest, { one: {}, two: {} });
  await one.send({ email });
  expect(await two.send({ email })).toMatchObject({ kind: 'too_many_requests' });
  expect(warned.mock.calls.filter(([text]) => String(text).includes('kept in memory'))).toHaveLength(1);
  warned.mockRestore();
  await Promise.all([one.close(), two.close()]);
});

it('a code and a token of one purpose are worth nothing for another', async () => {
  const { one, two } = createEmailVerifications(common(), { one: {}, two: {} });
  await one.send({ email });
  const code = await mail.lastCode(email);
  expect(await two.verify({ email, code })).toMatchObject({ kind: 'code_expired' });
  const verified = await one.verify({ email, code });
  if (verified.kind !== 'verified') throw new Error(verified.kind);
  const { verificationToken } = verified;
  expect(await two.redeem({ email, verificationToken })).toMatchObject({ kind: 'email_not_verified' });
  expect(await one.redeem({ email, verificationToken })).toMatchObject({ kind: 'redeemed' });
  await Promise.all([one.close(), two.close()]);
});

it('they share connections, which stay open until the last of them closes', async () => {
  const { one, two } = createEmailVerifications(common(), { one: {}, two: {} });
  await one.send({ email: 'a@example.com' });
  await two.send({ email: 'b@example.com' });
  expect(mail.server.connections).toBe(1);
  await one.close();
  await one.close();
  expect(await two.send({ email: 'c@example.com' })).toMatchObject({ kind: 'sent' });
  expect(mail.server.connections).toBe(1);
  await two.close();
  await until('the connection is closed', () => mail.server.connections === 0);
});

it('of several transports, each keeps its connections until the last of them closes', async () => {
  const relays = [
    await startRawSmtpServer({ mail: '550 5.7.1 Not your address' }),
    await startRawSmtpServer(),
  ] as const;
  const transport = relays.map(({ url }) => url);
  const warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
  const { one, two } = createEmailVerifications({ ...common(), transport }, { one: {}, two: {} });
  try {
    await one.send({ email: 'a@example.com' });
    await one.close();
    expect(await two.send({ email: 'b@example.com' })).toMatchObject({ kind: 'sent' });
    expect(relays[1].connections).toBe(1);
    await two.close();
    await until('the connections are closed', () => relays.every(({ open }) => open === 0));
  } finally {
    warned.mockRestore();
    for (const relay of relays) await relay.close();
  }
});

it('options of a purpose replace the common ones, and `undefined` does not', async () => {
  const { one, two } = createEmailVerifications(
    { ...common(), codeLength: 8, appName: 'Acme' },
    { one: { codeLength: undefined, appName: 'One' }, two: { codeLength: 10 } },
  );
  await one.send({ email: 'a@example.com' });
  expect(await mail.lastCode('a@example.com')).toMatch(/^\d{8}$/);
  await two.send({ email: 'b@example.com' });
  expect(await mail.lastCode('b@example.com')).toMatch(/^\d{10}$/);
  expect(mail.messages.map(({ subject }) => subject)).toEqual(['Your code for One', 'Your code for Acme']);
  await Promise.all([one.close(), two.close()]);
});

it.each<[string, object, unknown, string]>([
  ['an unknown common option', { sekret: 'x' }, { one: {} }, 'Did you mean `secret`?'],
  [
    'a common purpose',
    { purpose: 'x' },
    { one: {} },
    'Unknown option `purpose` of createEmailVerifications()',
  ],
  ['no purpose', {}, {}, 'The `purposes` option must be an object of options by purpose'],
  ['a list of purposes', {}, ['one'], 'The `purposes` option must be an object of options by purpose'],
  ['a purpose with a space', {}, { 'sign up': {} }, "In the purpose 'sign up': The `purpose` option must be"],
  [
    'options that are no object',
    {},
    { one: true },
    "In the purpose 'one': The `one` option must be an object",
  ],
  ['a store of one purpose', {}, { one: { store: 1 } }, "In the purpose 'one': Unknown option `store`"],
  ['a secret of one purpose', {}, { one: { secret: 1 } }, "In the purpose 'one': Unknown option `secret`"],
  ['a transport of one purpose', {}, { one: { transport: 1 } }, 'Unknown option `transport`'],
  [
    'a mailbox of one purpose',
    {},
    { one: { mailbox: (address: string) => address } },
    'Unknown option `mailbox`',
  ],
  [
    'a wrong option of one purpose',
    {},
    { a: {}, b: { codeLength: 5 } },
    "In the purpose 'b': The `codeLength` option",
  ],
  ['a wrong common option', { codeTtl: 5 }, { a: {} }, "In the purpose 'a': The `codeTtl` option"],
  ['a missing transport', { transport: undefined }, { a: {} }, "In the purpose 'a': The `transport` option"],
])('refuses %s', (_what, changes, purposes, error) => {
  const create = () =>
    createEmailVerifications({ ...common(), ...changes }, purposes as Record<string, PurposeOptions>);
  expect(create).toThrow(error);
});
