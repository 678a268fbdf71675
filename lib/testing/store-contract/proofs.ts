/** Browser proofs: prove(), which a store may leave out (lib/README.md, rule 10). */
import assert from 'node:assert/strict';
import { has, is, MINUTE, placeOf, TIMEOUT, test, timedTest } from './steps.js';

const MANY = 100;

export const proofTests = [
  test('accepts a nonce once, and stores a token', async ({ prove, redeem }) => {
    is(await prove('n'), { kind: 'accepted' });
    is(await prove('n', { token: 'another-token' }), { kind: 'used' });
    has(await redeem('token-of-n'), { kind: 'redeemed' });
    is(await redeem('another-token'), { kind: 'unknown' });
    is(await prove('m'), { kind: 'accepted' });
  }),

  test(`accepts one of ${MANY} parallel proofs with one nonce`, async ({ prove }) => {
    const outcomes = await Promise.all(
      Array.from({ length: MANY }, (_, n) => prove('n', { token: `token-${n}` })),
    );
    assert.equal(outcomes.filter(({ kind }) => kind === 'accepted').length, 1);
  }),

  test('accepts a call again whose reply was lost', async ({ prove, redeem }) => {
    is(await prove('n'), { kind: 'accepted' });
    is(await prove('n'), { kind: 'accepted' });
    has(await redeem('token-of-n'), { kind: 'redeemed' });
    is(await redeem('token-of-n'), { kind: 'unknown' });
    is(await prove('n'), { kind: 'used' });
  }),

  test('ends all codes, holders and shared attempts', async ({ open, attempt, peek, prove }) => {
    await open('a');
    await prove('n');
    is(await attempt('a', 'holder-1'), { kind: 'expired', live: false });
    is(await attempt('a'), { kind: 'expired', live: false });
    is(await peek('holder-1'), { expiresIn: undefined });
  }),

  test('keeps the tokens that are there', async ({ open, attempt, prove, redeem }) => {
    await open('a');
    await attempt('a', 'holder-1');
    await prove('n');
    has(await redeem('token-of-a'), { kind: 'redeemed' });
    has(await redeem('token-of-n'), { kind: 'redeemed' });
  }),

  test('counts as no email', async ({ open, prove }) => {
    await prove('n');
    has(await open('a'), { kind: 'opened' });
    await prove('m');
    has(await open('b'), { kind: 'limited' });
  }),

  test('creates no code when an email fails that was under way', async ({
    open,
    discard,
    attempt,
    prove,
  }) => {
    const place = placeOf(await open('a'));
    await prove('n');
    await discard('a', place, 'holder-1');
    is(await attempt('a', 'holder-1'), { kind: 'expired', live: false });
  }),

  test('remembers a nonce when its challenge is forgotten', async ({ store, key, prove }) => {
    await prove('n');
    await store.forget?.(key, TIMEOUT);
    is(await prove('n', { token: 'another-token' }), { kind: 'used' });
  }),

  test('keeps the nonces of two mailboxes apart, as tokens', async ({ store, key, digest, prove }) => {
    await prove('n');
    const other = { mailbox: digest('another mailbox'), challenge: key.challenge, token: digest('t') };
    const request = { ...other, nonce: digest('n'), nonceTtl: MINUTE, tokenTtl: MINUTE };
    is((await store.prove?.(request, TIMEOUT)) ?? {}, { kind: 'accepted' });
    is(await store.redeem({ ...other, token: digest('token-of-n') }, TIMEOUT), { kind: 'unknown' });
  }),

  test('does nothing in a call after its deadline', async ({ store, key, digest, prove }) => {
    const request = { ...key, nonce: digest('n'), nonceTtl: MINUTE, token: digest('t'), tokenTtl: MINUTE };
    await assert.rejects(async () => store.prove?.(request, -1));
    is(await prove('n'), { kind: 'accepted' });
  }),

  timedTest('remembers a nonce as long as it was told to', async ({ prove, pass }) => {
    await prove('n', { nonceTtl: 2 * MINUTE });
    await pass(2 * MINUTE - 1);
    is(await prove('n', { token: 'another-token' }), { kind: 'used' });
    await pass(1);
    is(await prove('n', { token: 'another-token' }), { kind: 'accepted' });
  }),

  timedTest('stores a token with its end', async ({ prove, redeem, passTo, start }) => {
    await prove('n');
    await prove('m');
    const end = start + 15 * MINUTE;
    await passTo(end - 1);
    is(await redeem('token-of-n'), { kind: 'redeemed', end });
    await passTo(end);
    is(await redeem('token-of-m'), { kind: 'unknown' });
  }),

  timedTest('still tells an ended code from a wrong one', async ({ openLater, attempt, prove }) => {
    await openLater('a');
    await prove('n');
    await openLater('b');
    has(await attempt('a', 'holder-2'), { kind: 'outdated' });
    has(await attempt('x', 'holder-2'), { kind: 'incorrect' });
  }),
].map((one) => ({ ...one, of: 'proofs' as const }));
