/** What the attacks use: clients with IP addresses of their own, mailboxes, and wrong codes. */
import { randomInt, randomUUID } from 'node:crypto';
import { once, setMaxListeners } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { isIPv4, type Socket } from 'node:net';
import { json } from 'node:stream/consumers';
import { deleteKeys } from './clock.js';
import { codeIn } from './inbox.js';
import type { ReceivedMessage } from './mail-server.js';
import type { MountedParts } from './tools.js';

export type Client = ReturnType<ReturnType<typeof clientsOf>>;
export type Answer = Awaited<ReturnType<Client>>;

/** The addresses of the attackers, and the codes that they have received. */
const codes = new Map<string, string>();

/** Whether an email address, masked or not, belongs to an attack. */
export const isAttack = (address: string): boolean => address.endsWith('@attack.example');

export function newAddress(): string {
  const email = `${randomUUID()}@attack.example`;
  receiveCode(email);
  return email;
}

/** For the mail server: reads the codes of attackers. Returns whether the inbox shows the message. */
export async function leaveToInbox({ envelope, text }: Pick<ReceivedMessage, 'envelope' | 'text'>) {
  const [email = ''] = envelope.to;
  if (isAttack(email)) receiveCode(email, codeIn({ text }));
  return !isAttack(email);
}

export const receiveCode = (email: string, code = '') => codes.set(email, code);

/** Removes what an attack left behind, and resets client limits: attackers may share the IP address of the page. */
export async function cleanUp({ redis, verification, accounts }: MountedParts): Promise<void> {
  await Promise.all([...codes.keys()].map((email) => verification.forget({ email })));
  for (const email of codes.keys()) accounts.remove(email);
  codes.clear();
  await deleteKeys(redis, /^naive:|^ev:[^{]*$/);
  const sessions = (await redis?.keys('sess:*')) ?? [];
  for (const key of sessions)
    if ((await redis?.get(key))?.includes('@attack.example"')) await redis?.del(key);
}

/** Clients of the server that accepted a connection. On Linux, each has an IP address of its own, as real ones do. */
export function clientsOf({ localAddress = '', localPort: port }: Socket, timeout: number) {
  const [host, signal] = [localAddress.replace('::ffff:', ''), AbortSignal.timeout(timeout)];
  setMaxListeners(0, signal);
  return () => {
    const address = `127.${randomInt(1, 255)}.${randomInt(255)}.${randomInt(1, 255)}`;
    const own = process.platform === 'linux' && isIPv4(host) && { localAddress: address };
    const agent = new Agent({ keepAlive: true, ...own });
    const to = { host, port, signal, agent, method: 'POST', headers: { 'content-type': 'application/json' } };
    return async (path: string, fields: object) => {
      const start = performance.now();
      const sent = request({ ...to, path }).end(JSON.stringify(fields));
      const [response]: IncomingMessage[] = await once(sent, 'response');
      const body: Record<string, unknown> = Object(response && (await json(response).catch(() => {})));
      return {
        status: response?.statusCode,
        headers: response?.headers,
        body,
        ms: performance.now() - start,
      };
    };
  };
}

/** Thrown when the client limit refuses a request, because all attackers share one IP address. */
export const LIMITED = new Error('The client limit was reached.');

export async function requestCode(post: Client, path = '/email-verification') {
  const email = newAddress();
  // The second request opens another connection, so that two codes can arrive together.
  const [{ status, body }] = await Promise.all([post(`${path}/send`, { email }), post(`${path}/verify`, {})]);
  const code = codes.get(email);
  if (!code) throw status === 429 ? LIMITED : new Error(`No code was sent: the status is ${status}.`);
  const { challengeId } = body;
  const enter = (typed: string) => post(`${path}/verify`, { email, challengeId, code: typed });
  return { email, code, enter };
}

/** The n-th code that has the form of the right one, but differs from it. */
export function wrong(code: string, n: number): string {
  const bare = code.replace('-', '');
  const digits = String(n).padStart(bare.length, '0');
  const letters = digits.replace(/\d/g, (digit) => 'BCDFGHJKLM'.charAt(Number(digit)));
  const typed = /\d/.test(code) ? digits : letters;
  return typed === bare ? wrong(code, n + 1000) : typed;
}

export const all = <T>(times: number, run: (n: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: times }, (_, n) => run(n)));
/** In whole milliseconds, the shortest first. */
export const timesOf = (answers: Answer[]) => answers.map(({ ms }) => Math.round(ms)).sort((a, b) => a - b);
export const outcome = ({ status, body: { reason = '' } }: Answer) => `${status} ${reason}`.trim();
export const count = (answers: Answer[], reason: string) =>
  answers.filter(({ body }) => body['reason'] === reason).length;

/** Status, headers and body, without what always differs: the random ID, the client, and the times. */
export const withoutChance = ({ status, headers, body }: Answer) =>
  JSON.stringify([status, { ...headers, date: '' }, { ...body, challengeId: '' }])
    .replace(/\br=\d+|\bt=\d+|pk=:.*?:/g, '')
    .replace(/In":(\d+)/g, (_, seconds) => `In":${Math.round(seconds / 10)}`);
