/** The verification token: what it proves, how often it works, and when a failed sign-up gives it back. */
import { request } from 'node:http';
import express, { type RequestHandler } from 'express';
import {
  createEmailVerification,
  emailVerificationRouter,
  requireVerifiedEmail,
} from 'express-email-verification';
import { FROM, SECRET } from '../support/app.js';
import { until } from '../support/until.js';
import {
  inParallel,
  MINUTE,
  memoryInbox,
  type Service,
  STORES,
  startClock,
  tally,
  useServices,
  WIDE,
} from './services.js';

const { open, listen, storeOf } = useServices();
const inbox = memoryInbox();
const options = { ...WIDE, delivery: inbox.delivery };
const email = 'minji@example.com';

/** A token, obtained through all routes. */
async function tokenFor(service: Service, address = email): Promise<string> {
  const { challengeId } = (await service.send({ email: address })).body;
  const verified = await service.verify({ email: address, challengeId, code: inbox.lastCode(address) });
  return verified.body.verificationToken;
}

// The last but one of 26 characters carries six bits, so changing it makes another token.
function altered(token: string, at: number): string {
  const other = token[at] === 'A' ? 'B' : 'A';
  return token.slice(0, at) + other + token.slice(at + 1);
}

describe.each(STORES)('on %s', (name) => {
  it('T20: a token for one address is refused for another (promise 9)', async () => {
    const service = await open({ store: storeOf(name), ...options });
    const verificationToken = await tokenFor(service);
    for (const other of [
      'eve@example.com',
      'minji+a@example.com',
      'minji@example.org',
      'm.inji@example.com',
    ]) {
      await tokenFor(service, other);
      expect((await service.signUp({ email: other, verificationToken })).body.reason).toBe(
        'email_not_verified',
      );
    }
    expect((await service.signUp({ email, verificationToken })).status).toBe(201);
  });

  it('T20: a token or code for one purpose is refused for another (promise 9)', async () => {
    const store = storeOf(name);
    const service = await open({ store, ...options });
    const reset = await open({ store, ...options, purpose: 'reset' });
    const verificationToken = await tokenFor(service);
    await tokenFor(reset);
    expect((await reset.signUp({ email, verificationToken })).status).toBe(403);
    expect((await service.signUp({ email, verificationToken })).status).toBe(201);
  });

  it('T20: a token is refused if any of its characters is altered', async () => {
    const service = await open({ store: storeOf(name), ...options });
    const verificationToken = await tokenFor(service);
    const forged = [...verificationToken].map((_, at) => altered(verificationToken, at));
    forged.push(
      verificationToken.toLowerCase(),
      `${verificationToken}A`,
      verificationToken.slice(1),
      '',
      'A'.repeat(26),
    );
    const replies = await inParallel(forged.length, (n) =>
      service.signUp({ email, verificationToken: forged[n] }),
    );
    expect(tally(replies)).toEqual({ email_not_verified: forged.length });
    expect((await service.signUp({ email, verificationToken })).status).toBe(201);
  });

  it('T20: a token made with another secret is refused', async () => {
    const store = storeOf(name);
    const service = await open({ store, ...options });
    const other = await open({ store, ...options, secret: 'the secret of somebody else, long enough' });
    expect((await other.signUp({ email, verificationToken: await tokenFor(service) })).status).toBe(403);
  });

  it.each([null, 0, true, [], {}, ['x'], { length: 26 }, undefined])(
    'T20: %j is not a token',
    async (verificationToken) => {
      const service = await open({ store: storeOf(name), ...options });
      const token = await tokenFor(service);
      expect((await service.signUp({ email, verificationToken })).status).toBe(403);
      expect((await service.signUp({ email: [email], verificationToken: token })).status).toBe(403);
      expect((await service.signUp({ verificationToken: token })).status).toBe(403);
    },
  );

  it('T20: a challengeId is not a token, and a token is not a challengeId', async () => {
    const service = await open({ store: storeOf(name), ...options });
    const { challengeId } = (await service.send({ email })).body;
    expect((await service.signUp({ email, verificationToken: challengeId })).status).toBe(403);
    const verificationToken = await tokenFor(service);
    const { body } = await service.send({ email, challengeId: verificationToken });
    expect(body.challengeId).not.toBe(verificationToken);
  });

  it('T11: of 200 parallel sign-ups with one token, one reaches the handler (promise 9)', async () => {
    let called = 0;
    const service = await open({ store: storeOf(name), ...options }, (_req, res) => {
      called += 1;
      res.status(201).json({});
    });
    const verificationToken = await tokenFor(service);
    const replies = await inParallel(200, () => service.signUp({ email, verificationToken }));
    expect(tally(replies)).toEqual({ success: 1, email_not_verified: 199 });
    expect(called).toBe(1);
    expect((await service.signUp({ email, verificationToken })).status).toBe(403);
  });

  it('T11: a token works until its end', async () => {
    const clock = startClock();
    const service = await open({ store: storeOf(name, clock.read), ...options });
    const early = await tokenFor(service);
    clock.pass(15 * MINUTE - 1);
    expect((await service.signUp({ email, verificationToken: early })).status).toBe(201);
    const late = await tokenFor(service);
    clock.pass(15 * MINUTE);
    expect((await service.signUp({ email, verificationToken: late })).status).toBe(403);
  });

  it('T21: no account is made and no handler called before the address is verified', async () => {
    const accounts: string[] = [];
    const handler: RequestHandler = (req, res) => {
      accounts.push(req.verifiedEmail);
      res.status(201).json({});
    };
    const service = await open({ store: storeOf(name), ...options }, handler);
    await service.signUp({ email, password: 'x' });
    await service.send({ email });
    await service.signUp({
      email,
      password: 'x',
      code: inbox.lastCode(email),
      verificationToken: inbox.lastCode(email),
    });
    await service.signUp({ email, password: 'x', verified: true, verifiedEmail: email });
    expect(accounts).toHaveLength(0);
    await service.verify({ email, code: inbox.lastCode(email) });
    await service.signUp({ email, password: 'x' });
    expect(accounts).toHaveLength(0);
  });

  it('T32: a failed sign-up gives the token back before its answer, with its old end (promise 9)', async () => {
    const clock = startClock();
    const statuses = [409, 500, 201];
    const handler: RequestHandler = (_req, res) => void res.status(statuses.shift() ?? 201).json({});
    const service = await open({ store: storeOf(name, clock.read), ...options }, handler);
    const verificationToken = await tokenFor(service);
    const asked = [];
    for (let n = 0; n < 4; n += 1) asked.push((await service.signUp({ email, verificationToken })).status);
    expect(asked).toEqual([409, 500, 201, 403]);

    statuses.push(409);
    const second = await tokenFor(service);
    clock.pass(14 * MINUTE);
    expect((await service.signUp({ email, verificationToken: second })).status).toBe(409);
    clock.pass(MINUTE);
    expect((await service.signUp({ email, verificationToken: second })).status).toBe(403);
  });

  it('T32: after 20 parallel sign-ups that all fail, the token works for the next one, once', async () => {
    let status = 409;
    const service = await open(
      { store: storeOf(name), ...options },
      (_req, res) => void res.status(status).json({}),
    );
    const verificationToken = await tokenFor(service);
    await inParallel(20, () => service.signUp({ email, verificationToken }));
    status = 201;
    const replies = await inParallel(20, () => service.signUp({ email, verificationToken }));
    expect(tally(replies)).toEqual({ success: 1, email_not_verified: 19 });
  });

  it('T32: of 20 clients that hang up with one token, one reaches the handler', async () => {
    const slow = slowHandler(201);
    const service = await listenWith(slow.handler);
    const verificationToken = await tokenFor(service);
    let redeemed = 0;
    service.verification.on('redeemed', () => ++redeemed);
    service.verification.on('released', () => --redeemed);
    // A client that hangs up before the handler is called gives the token back, and the next request finds it.
    const settled = () =>
      until('the token is given back or the handler has it', () => redeemed === slow.called());
    await inParallel(10, (n) => hangUp(service, { email, verificationToken }, n % 5));
    for (let n = 0; n < 10; n += 1) await hangUp(service, { email, verificationToken }, n);
    await settled();
    slow.finish();
    await service.signUp({ email, verificationToken });
    await service.signUp({ email, verificationToken });
    await settled();
    expect(slow.called()).toBe(1);
  });

  it('T32: a handler that ends with 409 after its client hung up gives the token back', async () => {
    const slow = slowHandler(409);
    const service = await listenWith(slow.handler);
    const verificationToken = await tokenFor(service);
    await hangUp(service, { email, verificationToken }, 'in the handler', slow.entered);
    await slow.abandoned;
    expect(slow.called()).toBe(1);
    expect((await service.signUp({ email, verificationToken })).status).toBe(403);
    const released = new Promise((resolve) => service.verification.on('released', resolve));
    slow.finish();
    await released;
    expect((await service.signUp({ email, verificationToken })).status).toBe(409);
  });

  it('T32: a handler that ends with 201 after its client hung up keeps the token used', async () => {
    const slow = slowHandler(201);
    const service = await listenWith(slow.handler);
    const verificationToken = await tokenFor(service);
    await hangUp(service, { email, verificationToken }, 'in the handler', slow.entered);
    await slow.abandoned;
    slow.finish();
    await slow.ended;
    expect((await service.signUp({ email, verificationToken })).status).toBe(403);
    expect(slow.called()).toBe(1);
  });

  function listenWith(handler: RequestHandler): Promise<Service> {
    const verification = createEmailVerification({
      ...{ store: storeOf(name), transport: 'smtp://127.0.0.1:9', from: FROM, secret: SECRET },
      ...options,
    });
    const app = express();
    app.use('/ev', emailVerificationRouter(verification));
    app.post('/signup', express.json(), requireVerifiedEmail(verification), handler);
    return listen(app, verification);
  }
});

/** A sign-up whose handler waits until a test lets it finish. */
function slowHandler(status: number) {
  let count = 0;
  const [entered, abandoned, finished, ended] = [signal(), signal(), signal(), signal()];
  const handler: RequestHandler = async (_req, res) => {
    count += 1;
    res.on('close', abandoned.give);
    entered.give();
    await finished.given;
    res.status(status).json({});
    ended.give();
  };
  return {
    handler,
    entered: entered.given,
    /** The client hung up. */
    abandoned: abandoned.given,
    finish: finished.give,
    ended: ended.given,
    called: () => count,
  };
}

function signal() {
  let give = () => {};
  const given = new Promise<void>((resolve) => {
    give = resolve;
  });
  return { given, give };
}

/** Sends a sign-up and hangs up: after some milliseconds, or once the handler was entered. */
async function hangUp(
  service: Service,
  fields: object,
  when: number | 'in the handler',
  entered?: Promise<void>,
): Promise<void> {
  const body = JSON.stringify(fields);
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  const asked = request({ host: '127.0.0.1', port: service.port, path: '/signup', method: 'POST', headers });
  asked.on('error', () => {});
  const closed = new Promise((resolve) => asked.on('close', resolve));
  asked.end(body);
  if (when === 'in the handler') await entered;
  else await new Promise((resolve) => setTimeout(resolve, when));
  asked.destroy();
  await closed;
}
