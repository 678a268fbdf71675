/** "Try to break it": real attacks on the real routes of the running demo. The responses decide the verdict. */
import { randomUUID } from 'node:crypto';
import express, { type Router } from 'express';
import { textsOf } from '../site/site.js';
import * as attackers from './attackers.js';
import { naiveRouter } from './naive.js';
import type { MountedParts } from './tools.js';

const { all, count, LIMITED, newAddress, outcome, requestCode, wrong } = attackers;

const NAMES = ['guesses', 'race', 'stranger', 'token', 'known', 'redis', 'smtp'] as const;
const SEND = '/email-verification/send';

/** Whether Redis holds keys of others, perhaps: then no tool lists, writes or deletes keys, or moves the clock. */
export const isShared = ({ redis, redisServer }: Partial<MountedParts>): boolean => !!redis && !redisServer;

/** The attacks, each with the server that it lacks because the demo did not start it. */
export function offeredAttacks({ mailServer, ...parts }: Partial<MountedParts>) {
  const lacksRedis = (name: string) =>
    isShared(parts) || (!parts.redisServer && ['redis', 'race'].includes(name));
  return NAMES.map((name) => ({ name, missing: mailServer ? lacksRedis(name) && 'redis' : 'smtp' }));
}

export function attacksRouter(parts: MountedParts): Router {
  const offered = offeredAttacks(parts).filter(({ missing }) => !missing);
  const router = express.Router();
  if (parts.redis && parts.redisServer) router.use('/naive', naiveRouter(parts.redis, attackers.receiveCode));
  let isRunning = false;
  return router.post('/attacks/:name', async (req, res) => {
    const { name } = offered.find((attack) => attack.name === req.params['name']) ?? {};
    const t = textsOf(res).attacks;
    if (!name) return void res.sendStatus(404);
    if (isRunning) return void res.status(409).json({ verdict: t.busy });
    isRunning = true;
    try {
      const client = attackers.clientsOf(req.socket, parts.timeout ?? 20_000);
      const attack = ATTACKS[name]({ ...parts, client }, req.body?.email);
      const [held, cells, isYours] = await attack.finally(() => attackers.cleanUp(parts));
      const [, ...labels] = t[name].split(' | ');
      const [good = '', bad = '', yours = good] = t[`${name}Verdict`].split(' | ');
      const header = new Map(Object.entries(t)).get(`${name}Header`)?.split(' | ');
      const rows = cells.flatMap((cell, i) => (cell === undefined ? [] : [[labels[i], cell].flat()]));
      const sentence = held ? (isYours ? yours : good) : bad;
      const verdict = sentence.replace(/\{(\d)\}/g, (_, i) => String(cells.flat()[i]));
      res.json({ held, rows: header ? [header, ...rows] : rows, verdict });
    } catch (error) {
      res.status(503).json({ verdict: error === LIMITED ? t.limited : t.stopped });
    } finally {
      isRunning = false;
    }
  });
}

type Means = MountedParts & { readonly client: () => attackers.Client };
/** Whether the app held, and the cells for each label in the texts (undefined: no row). `isYours`: on the page's address. */
type Found = [held: boolean, cells: (string | number | (string | number)[] | undefined)[], isYours?: boolean];

/** `target` is the address of the page while a code for it can be entered there. */
const ATTACKS: Record<(typeof NAMES)[number], (means: Means, target: unknown) => Promise<Found>> = {
  async guesses({ client, redisServer }) {
    const { code, enter } = await requestCode(client());
    const answers = await all(200, (n) => enter(wrong(code, n)));
    const [compared, right] = [count(answers, 'code_incorrect'), await enter(code)];
    const held = compared <= 5 && [...answers, right].every(({ status }) => status !== 200);
    const ours = [answers.length, compared, count(answers, 'code_expired'), outcome(right)];
    if (!redisServer) return [held, ours.map((cell) => [cell, '–'])];
    const [post, { email, code: other }] = [client(), await requestCode(client(), '/dev/naive')];
    const guess = (typed: string) => post('/dev/naive/compare', { email, code: typed });
    const naive = count(await all(200, (n) => guess(wrong(other, n))), 'code_incorrect');
    const theirs = [answers.length, naive, answers.length - naive, outcome(await guess(other))];
    return [held, ours.map((cell, i) => [cell, theirs[i] ?? '–'])];
  },
  async race({ client }) {
    const round = async (path: string) => {
      const { code, enter } = await requestCode(client(), path);
      const [, right] = await Promise.all([enter(wrong(code, 0)), enter(code)]);
      return right.status;
    };
    const race = async (path: string) => {
      const ends = await all(50, () => round(path).catch((e) => (e === LIMITED ? 429 : Promise.reject(e))));
      return [200, 401, 429].map((status) => ends.filter((end) => end === status).length);
    };
    const [ours, naive] = [await race('/email-verification'), await race('/dev/naive')];
    if (ours[2] === 50) throw LIMITED;
    return [ours[1] === 0, ours.map((number, i) => [number, naive[i] ?? 0])];
  },
  async stranger({ client, verification }, target) {
    const stranger = client();
    const statusOf = async (email: unknown) => Object(await verification.status({ email }));
    const own = (await statusOf(target)).codes?.length > 0 ? undefined : await requestCode(client());
    const { email, code } = own ?? { email: target, code: '000000' };
    const asked = await stranger(SEND, { email });
    const guess = (n: number) => stranger('/email-verification/verify', { email, code: wrong(code, n) });
    const answers = await all(10, guess);
    const [entered, { attemptsLeft }] = [await own?.enter(code), await statusOf(email)];
    const end = entered ? [outcome(entered)] : [undefined, attemptsLeft];
    const held = entered ? entered.status === 200 : attemptsLeft > 0;
    return [held, [outcome(asked), answers.length, count(answers, 'code_incorrect'), ...end], !own];
  },
  async token({ client }) {
    const post = client();
    const verified = async () => {
      const { email, code, enter } = await requestCode(post);
      const { verificationToken } = (await enter(code)).body;
      return () => post('/sign-up', { email, verificationToken, name: 'Attack', password: randomUUID() });
    };
    const [signUp, signUpAtOnce] = [await verified(), await verified()];
    const [first, second, answers] = [await signUp(), await signUp(), await all(20, signUpAtOnce)];
    const created = answers.filter(({ status }) => status === 201).length;
    const held = first.status === 201 && second.status === 403 && created === 1;
    return [held, [outcome(first), outcome(second), created, answers.length - created]];
  },
  async known({ client, accounts }) {
    // Known, free, free, known: neither kind always comes first.
    const isKnown = (n: number) => n % 4 === 0 || n % 4 === 3;
    const emails = await all(24, async (n) => {
      const email = newAddress();
      if (isKnown(n)) await accounts.create({ email, name: 'Known', password: randomUUID() });
      return email;
    });
    const answers: attackers.Answer[] = [];
    for (const email of emails) answers.push(await client()(SEND, { email }));
    const ofKind = (kind: boolean) => answers.filter((_, n) => isKnown(n) === kind);
    const [known = [], free = []] = [ofKind(true), ofKind(false)].map(attackers.timesOf);
    // Slower: three quarters of its times are longer than three quarters of the others'.
    const isSlower = (one: number[], other: number[]) => (one[3] ?? 0) > (other[8] ?? 0) + 1;
    const different = new Set(answers.map(attackers.withoutChance)).size;
    const held = different === 1 && !isSlower(known, free) && !isSlower(free, known);
    const medians = [known, free].map((times) => `${times[6]} ms`);
    const middles = [known, free].map((times) => `${times[3]}–${times[8]} ms`);
    return [held, [different, medians, middles]];
  },
  async redis({ client, redisServer }) {
    const ask = () => client()(SEND, { email: newAddress() });
    redisServer?.pause();
    const during = await ask().finally(() => redisServer?.resume());
    const start = performance.now();
    let after = await ask();
    while (after.status === 503 && performance.now() - start < 5000) after = await ask();
    const times = [during.ms, performance.now() - start].map((ms) => `${Math.round(ms)} ms`);
    const held = during.status === 503 && during.ms < 3000 && after.status === 200;
    return [held, [outcome(during), times[0], outcome(after), times[1]]];
  },
  async smtp({ client, mailServer }) {
    const ask = client().bind(undefined, SEND, { email: newAddress() });
    mailServer?.refuse({ code: 550, text: 'No such user' }, attackers.isAttack);
    const refused = await ask().finally(() => mailServer?.refuse());
    const again = await ask();
    const held = refused.body['reason'] === 'delivery_failed' && again.status === 200;
    return [held, [outcome(refused), `${refused.body['resendIn']} s`, outcome(again)]];
  },
};
