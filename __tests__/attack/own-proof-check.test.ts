/** A `check()` of the app's own: only an acceptance in every part of it verifies an address. */
import { inspect } from 'node:util';
import { MemoryStore } from 'express-email-verification';
import { EMAIL, useIssuer } from '../support/issuer.js';

const issuer = useIssuer();

const appWith = (check: unknown) =>
  issuer.appWith({ store: new MemoryStore(), hookTimeout: 100, browserProof: { check } as never });
const throwing = (name: string, rest: object) =>
  Object.defineProperty(rest, name, {
    get: () => {
      throw new Error('broken');
    },
  });

describe('a check of the app', () => {
  it.each<[string, () => unknown]>([
    ['true', () => true],
    ['null', () => null],
    ['an address', () => EMAIL],
    ['an array', () => [{ kind: 'accepted', email: EMAIL }]],
    ['an address without a kind', () => ({ email: EMAIL })],
    ['another kind with an address', () => ({ kind: 'rejected', email: EMAIL })],
    ['capitals', () => ({ kind: 'ACCEPTED', email: EMAIL })],
    ['a kind that is an object', () => ({ kind: ['accepted'], email: EMAIL })],
    ['an acceptance without an address', () => ({ kind: 'accepted' })],
    ['an acceptance of no address', () => ({ kind: 'accepted', email: 'person' })],
    ['an acceptance of two addresses', () => ({ kind: 'accepted', email: [EMAIL, 'b@mail.example'] })],
    ['a kind that throws', () => throwing('kind', { email: EMAIL })],
    ['an address that throws', () => throwing('email', { kind: 'accepted' })],
    ['a reason that throws', () => throwing('reason', { kind: 'refused' })],
  ])('that returns %s refuses the proof', async (_what, check) => {
    const { post, fields, emails, reasons, causes } = appWith(check);
    const { body } = await post('/ev/send', await fields()).expect(200);
    expect(body.verified).toBeUndefined();
    expect([emails, reasons]).toEqual([[EMAIL], ['check_failed']]);
    expect(inspect(causes)).toMatch(/broken|check\(\) of `browserProof` must resolve to/);
    expect(inspect(causes)).not.toContain('person');
  });

  it.each<[string, object]>([
    ['a promise inside', { kind: 'accepted', email: Promise.resolve(EMAIL) }],
    // biome-ignore lint/suspicious/noThenProperty: what never settles
    ['a thenable that never settles', { then: () => {} }],
  ])('that returns %s refuses the proof', async (_what, verdict) => {
    const { post, fields, emails, reasons } = appWith(() => verdict);
    const start = performance.now();
    expect((await post('/ev/send', await fields()).expect(200)).body.verified).toBeUndefined();
    expect(emails).toEqual([EMAIL]);
    expect(reasons[0]).toMatch(/^(check_failed|timeout)$/);
    // A busy machine is slow, but does not take 300 times as long as `hookTimeout`.
    expect(performance.now() - start).toBeLessThan(30_000);
  });

  it('may write the address as it was typed: the token is for the canonical one', async () => {
    const { post, fields } = appWith(() => ({ kind: 'accepted', email: ' Person@MAIL.example ' }));
    const { body } = await post('/ev/send', await fields()).expect(200);
    expect(body).toEqual({
      ok: true,
      verified: true,
      message: expect.anything(),
      verificationToken: expect.anything(),
      expiresIn: 900,
    });
    await post('/signup', { email: EMAIL, verificationToken: body.verificationToken }).expect(201);
  });

  it.each<[string, unknown, string]>([
    ['a name', 'not_today', 'not_today'],
    ['a line break', 'a\nproof_accepted', 'other'],
    ['an address', EMAIL, 'other'],
    ['a code', 'code_123456', 'other'],
    ['10 kB', 'x'.repeat(10_000), 'other'],
    ['an object', { toString: () => 'x' }, 'other'],
    ['nothing', undefined, 'other'],
  ])(
    'that refuses with %s as its reason puts no more than a name into logs and metrics',
    async (_what, reason, seen) => {
      const { post, fields, reasons } = appWith(() => ({ kind: 'refused', reason }));
      await post('/ev/send', await fields()).expect(200);
      expect(reasons).toEqual([seen]);
    },
  );
});
