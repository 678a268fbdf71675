/** "Try to break it": real attacks on the real routes of the running demo. What an attack finds decides its verdict. */
import { randomUUID } from 'node:crypto';
import express, { type Router } from 'express';
import type { EmailVerification } from 'express-email-verification';
import type { RedisClientType } from 'redis';
import type { Accounts } from '../accounts/accounts.js';
import { textsOf } from '../site/site.js';
import {
  type Answer,
  type Client,
  clientsOf,
  codes,
  LIMITED,
  newAddress,
  requestCode,
  wrong,
} from './attackers.js';
import { codeIn } from './inbox.js';
import type { MailServer } from './mail-server.js';
import { naiveRouter } from './naive.js';
import type { RedisServer } from './redis-server.js';

export interface AttackParts {
  readonly redis: Pick<RedisClientType, 'set' | 'getDel'> | undefined;
  readonly redisServer: Pick<RedisServer, 'pause' | 'resume'> | undefined;
  readonly mailServer: Pick<MailServer, 'messages' | 'refuse'> | undefined;
  readonly accounts: Pick<Accounts, 'create'>;
  readonly verification: Pick<EmailVerification, 'status'>;
  /** The longest time for one attack, in milliseconds. @default 10000 */
  readonly timeout?: number;
}

/** The attacks, each with the server that it lacks because the demo did not start it. */
export function offeredAttacks({ mailServer, redisServer, redis }: AttackParts) {
  const lacksRedis = (name: string) => (name === 'redis' && !redisServer) || (name === 'race' && !redis);
  return NAMES.map((name) => ({
    name,
    missing: !mailServer ? 'smtp' : lacksRedis(name) ? 'redis' : undefined,
  }));
}

export function attacksRouter(parts: AttackParts): Router {
  const offered = offeredAttacks(parts).filter(({ missing }) => !missing);
  const router = express.Router().use(express.json());
  const receive = (email: string, code: string) => codes.set(email, code);
  if (parts.redis) router.use('/naive', naiveRouter(parts.redis, receive));
  let isRunning = false;
  return router.post('/attacks/:name', async (req, res) => {
    const { name } = offered.find((attack) => attack.name === req.params['name']) ?? {};
    if (!name) return void res.sendStatus(404);
    const t = textsOf(res).attacks;
    if (isRunning) return void res.status(409).json({ verdict: t.busy });
    isRunning = true;
    try {
      const means = { ...parts, client: clientsOf(req.socket, parts.timeout ?? 10_000) };
      const { held, cells, isYours } = await ATTACKS[name](means, req.body?.email);
      const [, ...labels] = t[name].split(' | ');
      const [good = '', bad = '', yours = good] = t[`${name}Verdict`].split(' | ');
      const verdict = held ? (isYours ? yours : good) : bad;
      res.json({
        held,
        columns: new Map(Object.entries(t.columns)).get(name)?.split(' | '),
        rows: cells.map((row, i) => [labels[i], ...row]).filter((row) => row.length > 1),
        verdict: verdict.replace(/\{(\d)\}/g, (_, i) => String(cells.flat()[i])),
      });
    } catch (error) {
      res.status(503).json({ verdict: error === LIMITED ? t.limited : t.stopped });
    } finally {
      isRunning = false;
      codes.clear();
    }
  });
}

const NAMES = ['guesses', 'race', 'stranger', 'token', 'known', 'redis', 'smtp'] as const;
const SEND = '/email-verification/send';
const VERIFY = '/email-verification/verify';

type Means = AttackParts & { readonly client: () => Client };
/** `cells` has a row for each label in the texts; an empty one is left out. */
type Found = { held: boolean; cells: (string | number)[][]; isYours?: boolean };

/** `target` is the address of the page while a code for it can be entered there. */
const ATTACKS: Record<(typeof NAMES)[number], (means: Means, target: unknown) => Promise<Found>> = {
  async guesses({ client }) {
    const post = client();
    const { code, ...sent } = await requestCode(post);
    const answers = await all(200, (n) => post(VERIFY, { ...sent, code: wrong(code, n) }));
    const [compared, right] = [count(answers, 'code_incorrect'), await post(VERIFY, { ...sent, code })];
    const held = compared <= 5 && [...answers, right].every(({ status }) => status !== 200);
    return { held, cells: [[200], [compared], [count(answers, 'code_expired')], [outcome(right)]] };
  },

  async race({ client }) {
    const round = async (path: string) => {
      const post = client();
      // Opens two connections, so that the two codes arrive together.
      const [{ code, ...sent }] = await Promise.all([requestCode(post, path), post(`${path}/verify`, {})]);
      const enter = (typed: string) => post(`${path}/verify`, { ...sent, code: typed });
      const [, right] = await Promise.all([enter(wrong(code, 0)), enter(code)]);
      return right.status;
    };
    const race = async (path: string) => {
      const ends = await all(50, () => round(path).catch(statusIfLimited));
      return [200, 401, 429].map((status) => ends.filter((end) => end === status).length);
    };
    const [ours, naive] = [await race('/email-verification'), await race('/dev/naive')];
    if (ours[2] === 50) throw LIMITED;
    return { held: ours[1] === 0, cells: ours.map((count, i) => [count, naive[i] ?? 0]) };
  },

  async stranger({ client, verification, mailServer }, target) {
    const [holder, stranger] = [client(), client()];
    const statusOf = async (email: unknown) => Object(await verification.status({ email }));
    const isYours = (await statusOf(target)).codes?.length > 0;
    const own = isYours ? undefined : await requestCode(holder);
    const email = own?.email ?? String(target);
    const example = mailServer?.messages.findLast(({ envelope }) => envelope.to.includes(email));
    const code = own?.code ?? (example && codeIn(example)) ?? '000000';
    const asked = await stranger(SEND, { email });
    const answers = await all(50, (n) => stranger(VERIFY, { email, code: wrong(code, n) }));
    const cells = [[outcome(asked)], [50], [count(answers, 'code_incorrect')]];
    const { attemptsLeft = 0 } = await statusOf(email);
    if (!own) return { held: attemptsLeft > 0, cells: [...cells, [], [attemptsLeft]], isYours };
    const entered = await holder(VERIFY, own);
    return { held: entered.status === 200, cells: [...cells, [outcome(entered)]] };
  },

  async token({ client }) {
    const post = client();
    const verified = async () => {
      const { email, ...sent } = await requestCode(post);
      const { verificationToken } = (await post(VERIFY, { email, ...sent })).body;
      return () => post('/sign-up', { email, verificationToken, name: 'Attack', password: randomUUID() });
    };
    const [signUp, signUpAtOnce] = [await verified(), await verified()];
    const [first, second, answers] = [await signUp(), await signUp(), await all(20, signUpAtOnce)];
    const created = answers.filter(({ status }) => status === 201).length;
    const held = first.status === 201 && second.status === 403 && created === 1;
    return { held, cells: [[outcome(first)], [outcome(second)], [created], [20 - created]] };
  },

  async known({ client, accounts }) {
    const emails = await all(6, async () => newAddress());
    await all(6, (n) => accounts.create({ email: emails[n] ?? '', name: 'Known', password: randomUUID() }));
    const [known, free]: [Answer[], Answer[]] = [[], []];
    // Known, free, free, known: neither is always the first one.
    for (let n = 0; n < 12; n++) {
      const isKnown = n % 4 === 0 || n % 4 === 3;
      const email = (isKnown && emails[known.length]) || newAddress();
      (isKnown ? known : free).push(await client()(SEND, { email }));
    }
    const answers = new Set([...known, ...free].map(withoutChance)).size;
    const times = [known, free].map((each) => each.map(({ ms }) => Math.round(ms)).sort((a, b) => a - b));
    const [[k = 0, , , , , kMax = 0] = [], [f = 0, , , , , fMax = 0] = []] = times;
    // Time tells them apart if even the fastest answer of one kind is slower than all of the other.
    const isTold = Math.max(k - fMax, f - kMax) > 5;
    const cells = [[answers], times.map((each) => `${each[3]} ms`), [`${k}–${kMax} ms`, `${f}–${fMax} ms`]];
    return { held: answers === 1 && !isTold, cells };
  },

  async redis({ client, redisServer }) {
    const ask = () => client()(SEND, { email: newAddress() });
    redisServer?.pause();
    const during = await ask().finally(() => redisServer?.resume());
    const start = performance.now();
    let after = await ask();
    while (after.status === 503 && performance.now() - start < 5000) after = await ask();
    const [told, back] = [during.ms, performance.now() - start].map((ms) => `${Math.round(ms)} ms`);
    const held = during.status === 503 && during.ms < 3000 && after.status === 200;
    return { held, cells: [[outcome(during)], [told ?? ''], [outcome(after)], [back ?? '']] };
  },

  async smtp({ client, mailServer }) {
    const [post, email] = [client(), newAddress()];
    mailServer?.refuse({ code: 550, text: 'No such user' });
    const refused = await post(SEND, { email }).finally(() => mailServer?.refuse());
    const again = await post(SEND, { email });
    const held = refused.body['reason'] === 'delivery_failed' && again.status === 200;
    return { held, cells: [[outcome(refused)], [`${refused.body['resendIn']} s`], [outcome(again)]] };
  },
};

const all = <T>(times: number, run: (n: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: times }, (_, n) => run(n)));
const statusIfLimited = (error: unknown) => (error === LIMITED ? 429 : Promise.reject(error));
const outcome = ({ status, body: { reason = '' } }: Answer) => `${status} ${reason}`.trim();
const count = (answers: Answer[], reason: string) =>
  answers.filter(({ body }) => body['reason'] === reason).length;

/** Status, headers and body, but for the random ID, which client asked, and how long it took. */
function withoutChance({ status, headers, body }: Answer): string {
  return JSON.stringify([status, { ...headers, date: '' }, { ...body, challengeId: '' }])
    .replace(/\br=\d+|\bt=\d+|pk=:.*?:/g, '')
    .replace(/In":(\d+)/g, (_, seconds) => `In":${Math.round(seconds / 10)}`);
}
