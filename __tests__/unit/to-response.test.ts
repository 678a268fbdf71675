/** toResponse(): the same answers for fetch-style handlers as the router gives. */

import express from 'express';
import {
  createEmailVerification,
  emailVerificationRouter,
  MemoryStore,
  toResponse,
} from 'express-email-verification';
import request from 'supertest';
import { FROM, SECRET } from '../support/app.js';

const email = 'person@example.com';

/** Two verifications in the same state: one behind the router, the other behind toResponse(). */
function createPair(options: object = {}) {
  const now = Date.now();
  const codes: string[] = [];
  const create = () =>
    createEmailVerification({
      store: new MemoryStore({ clock: () => now }),
      transport: 'smtp://127.0.0.1:9',
      delivery: async ({ text }: { text: string }) => void codes.push(/\b\d{6}\b/.exec(text)?.[0] ?? ''),
      from: FROM,
      secret: SECRET,
      storeTimeout: 10_000,
      ...options,
    });
  const [behindRouter, other] = [create(), create()];
  const app = express().use(emailVerificationRouter(behindRouter));

  /** Both answers to one request. Ids and tokens are random, and times differ by what has passed. */
  async function compare(route: 'send' | 'verify', fields: object, otherFields = fields) {
    const routed = await request(app).post(`/${route}`).send(fields);
    const response =
      route === 'send'
        ? toResponse(await other.send(otherFields as { email: string }))
        : toResponse(await other.verify(otherFields as { email: string; code: string }), 'verify');
    const body: Record<string, unknown> = Object(await response.json());
    const headers = ['content-type', 'cache-control', 'retry-after'];
    const random = (value: object) =>
      Object.fromEntries(
        Object.entries(value).map(([name, found]) => [
          name,
          ['challengeId', 'verificationToken'].includes(name) ? typeof found : found,
        ]),
      );
    expect({
      status: response.status,
      headers: headers.map((name) => response.headers.get(name) ?? undefined),
      body: random(body),
    }).toEqual({
      status: routed.status,
      headers: headers.map((name) => routed.headers[name]),
      body: random(routed.body),
    });
    expect(Object.keys(body)).toEqual(Object.keys(routed.body));
    return { status: response.status, routed: routed.body, body };
  }
  return { compare, codes, other };
}

it('answers as the router does, on the way to a verified address', async () => {
  const { compare, codes } = createPair();
  await compare('send', { email: 'nobody' });
  const sent = await compare('send', { email });
  expect(sent.status).toBe(200);
  const [challengeId, otherId] = [sent.routed.challengeId, sent.body['challengeId']];
  expect((await compare('send', { email, challengeId }, { email, challengeId: otherId })).status).toBe(429);
  await compare('verify', { email, code: 1 });
  const wrong = ['000000', '111111', '222222'].find((code) => !codes.includes(code));
  const incorrect = await compare('verify', { email, code: wrong });
  expect(incorrect).toMatchObject({
    status: 401,
    body: { verify: false, reason: 'code_incorrect', attemptsLeft: 4 },
  });
  const verified = await compare('verify', { email, code: codes[0] }, { email, code: codes[1] });
  expect(verified).toMatchObject({
    status: 200,
    body: { verify: true, verificationToken: expect.any(String) },
  });
  expect(await compare('verify', { email, code: codes[0] })).toMatchObject({ status: 401 });
});

it.each([
  [403, { beforeSend: () => ({ kind: 'refuse', message: 'Not today.' }) }],
  [
    500,
    {
      delivery: async () => {
        throw new Error('refused');
      },
    },
  ],
  [
    500,
    {
      delivery: async () => {
        throw Object.assign(new Error('perhaps'), { unknown: true });
      },
    },
  ],
  [503, { beforeSend: () => new Promise(() => {}), hookTimeout: 50 }],
])('answers %i as the router does', async (status, options) => {
  const warnings = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
  expect((await createPair(options).compare('send', { email })).status).toBe(status);
  warnings.mockRestore();
});

it('answers a refused token as requireVerifiedEmail() does', async () => {
  const { other } = createPair();
  const outcome = await other.redeem({ email, verificationToken: 'none' });
  if (outcome.kind === 'redeemed') throw new Error('redeemed');
  const response = toResponse(outcome);
  expect([response.status, response.headers.get('Cache-Control'), await response.json()]).toEqual([
    403,
    'no-store',
    { ok: false, message: 'Please verify your email address first.', reason: 'email_not_verified' },
  ]);
});

it.each<[unknown, unknown]>([
  [undefined, undefined],
  [{ kind: 'redeemed', email, verificationToken: 'secret', end: 1 }, undefined],
  [{ kind: 'sent', message: 'Sent.' }, 'sent'],
  [new Error('a bug'), undefined],
  [{ message: 'no kind' }, undefined],
  [{ kind: 'unavailabel', message: 'a typo' }, undefined],
  [{ kind: 'constructor', message: 'inherited' }, undefined],
])('refuses %p with %p', (outcome, successField) => {
  expect(() => toResponse(outcome as never, successField as never)).toThrow(TypeError);
});
