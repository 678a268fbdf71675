/** A secret is rotated without downtime: append the new one, move it to the front, drop the old one. */
import { createEmailVerification, MemoryStore } from 'express-email-verification';
import { FROM } from '../support/app.js';
import { useMailServer } from '../support/mail-server.js';

const mail = useMailServer();
const email = 'person@example.com';
const OLD = 'the old secret, as long as it has to be';
const NEW = 'the new secret, as long as it has to be';

function fleet() {
  const store = new MemoryStore();
  return (secret: string | string[]) =>
    createEmailVerification({ store, transport: mail.url, from: FROM, secret });
}

async function send(verification: ReturnType<ReturnType<typeof fleet>>) {
  const sent = await verification.send({ email });
  if (sent.kind !== 'sent') throw new Error(sent.kind);
  return { challengeId: sent.challengeId, code: await mail.lastCode(email) };
}

it.each([
  ['by an instance before the rotation, verified by one during it', OLD, [NEW, OLD]],
  ['by an instance that knows both, verified by one that moved it to the front', [OLD, NEW], [NEW, OLD]],
  ['by an instance that moved it to the front, verified by one that has not', [NEW, OLD], [OLD, NEW]],
])('a code sent %s', async (_when, before, after) => {
  for (const withId of [true, false]) {
    mail.clear();
    const start = fleet();
    const { challengeId, code } = await send(start(before));
    const verified = await start(after).verify({ email, code, ...(withId && { challengeId }) });
    if (verified.kind !== 'verified') throw new Error(verified.kind);
    const { verificationToken } = verified;
    expect(await start(before).redeem({ email, verificationToken })).toMatchObject({ kind: 'redeemed' });
  }
});

it('an attempt is taken once, under the secret that knows the challenge', async () => {
  const start = fleet();
  const { challengeId, code } = await send(start(OLD));
  const wrong = code === '000000' ? '111111' : '000000';
  const after = start([NEW, OLD]);
  expect(await after.verify({ email, code: wrong, challengeId })).toMatchObject({ attemptsLeft: 4 });
  expect(await after.verify({ email, code: wrong, challengeId })).toMatchObject({ attemptsLeft: 3 });
  expect(await after.verify({ email, code: wrong })).toMatchObject({ attemptsLeft: 4 });
});

it('codes are worthless once their secret is dropped', async () => {
  const start = fleet();
  const { challengeId, code } = await send(start(OLD));
  expect(await start(NEW).verify({ email, code, challengeId })).toMatchObject({ kind: 'code_expired' });
});
