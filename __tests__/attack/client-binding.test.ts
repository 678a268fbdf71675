/** `binding: 'client'`: only the client that requested a code can enter it (OWASP ASVS 5.0 6.6.2). */
import { STORES, useServices, WIDE } from './services.js';

const { mail, open, storeOf } = useServices();
const email = 'minji@example.com';
const BOUND = { binding: 'client', ...WIDE } as const;

describe.each(STORES)('on %s', (name) => {
  const service = () => open({ store: storeOf(name), ...BOUND });

  it('the client that asked verifies, once', async () => {
    const { send, verify } = await service();
    const { challengeId } = (await send({ email })).body;
    const code = await mail.lastCode(email);
    const replies = await Promise.all(Array.from({ length: 50 }, () => verify({ email, code, challengeId })));
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  it.each<[string, object]>([
    ['no challengeId', {}],
    ['an unknown challengeId', { challengeId: 'x'.repeat(26) }],
    ['a challengeId of the wrong form', { challengeId: 'x' }],
  ])('the right code with %s is refused, and costs nobody an attempt', async (_what, fields) => {
    const { send, verify } = await service();
    const { challengeId } = (await send({ email })).body;
    const code = await mail.lastCode(email);
    for (let n = 0; n < 20; n += 1) {
      const { status, body } = await verify({ email, code, ...fields });
      expect([status, body.reason, body.attemptsLeft]).toEqual([401, 'code_expired', undefined]);
    }
    const wrong = code.startsWith('1') ? '222222' : '111111';
    expect((await verify({ email, code: wrong, challengeId })).body.attemptsLeft).toBe(4);
    expect((await verify({ email, code, challengeId })).status).toBe(200);
  });

  it('an id of the same secret that nobody holds gives no attempt', async () => {
    const { send, verify } = await service();
    const { challengeId } = (await send({ email })).body;
    const code = await mail.lastCode(email);
    const made = challengeId.slice(0, 2) + 'A'.repeat(24);
    const { status, body } = await verify({ email, code, challengeId: made });
    expect([status, body.reason, body.attemptsLeft]).toEqual([401, 'code_expired', undefined]);
  });

  it('another client that asked for the same address cannot enter the code, nor spend the attempts', async () => {
    const { send, verify } = await service();
    const { challengeId } = (await send({ email })).body;
    const code = await mail.lastCode(email);
    mail.clear();
    // The limits here allow one email a second.
    let stranger = '';
    for (let n = 0; n < 50 && !stranger; n += 1) {
      const reply = await send({ email });
      if (reply.status === 200) stranger = reply.body.challengeId;
      else await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const other = await mail.lastCode(email);
    expect((await verify({ email, code, challengeId: stranger })).body).toMatchObject({
      reason: 'code_incorrect',
      attemptsLeft: 4,
    });
    expect((await verify({ email, code: other, challengeId })).body).toMatchObject({
      reason: 'code_incorrect',
      attemptsLeft: 4,
    });
    expect((await verify({ email, code, challengeId })).status).toBe(200);
  });

  it('every code that one client was sent works, under the id it keeps', async () => {
    const { send, verify } = await service();
    const { challengeId } = (await send({ email })).body;
    const first = await mail.lastCode(email);
    mail.clear();
    let kept = '';
    for (let n = 0; n < 50 && !kept; n += 1) {
      const reply = await send({ email, challengeId });
      if (reply.status === 200) kept = reply.body.challengeId;
      else await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(kept).toBe(challengeId);
    expect(await mail.lastCode(email)).toMatch(/^\d{6}$/);
    expect((await verify({ email, code: first, challengeId })).status).toBe(200);
  });

  it('an email that is known not to have been sent leaves no code behind, whichever digest it has', async () => {
    const refusing = { stage: 'rcpt', code: 550, text: '5.1.1 unknown' } as const;
    const { send, verification } = await open({ store: storeOf(name), ...BOUND, rateLimit: false });
    mail.server.respondWith(refusing);
    expect((await send({ email })).body.reason).toBe('delivery_failed');
    expect(await verification.status({ email })).toMatchObject({ codes: [], sendsToday: 0 });
    mail.server.respondWith();
    const { challengeId } = (await send({ email })).body;
    expect(challengeId).toMatch(/^[\w-]{26}$/);
    mail.server.respondWith(refusing);
    for (let n = 0; n < 50; n += 1) {
      const reply = await send({ email, challengeId });
      if (reply.body.reason === 'delivery_failed') break;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(await verification.status({ email })).toMatchObject({ codes: [{}], sendsToday: 1 });
  });
});
