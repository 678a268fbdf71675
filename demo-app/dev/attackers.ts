/** What the attacks are made with: clients with addresses of their own, mailboxes, and wrong codes. */
import { randomInt, randomUUID } from 'node:crypto';
import { once, setMaxListeners } from 'node:events';
import { Agent, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { isIPv4, type Socket } from 'node:net';
import { json } from 'node:stream/consumers';
import { codeIn } from './inbox.js';
import type { ReceivedMessage } from './mail-server.js';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readonly<Record<string, unknown>>;
  readonly ms: number;
}
export type Client = (path: string, fields: object) => Promise<Answer>;

/** Whether an address, masked or not, is one of an attack. */
export const isAttack = (address: string): boolean => address.endsWith('@attack.example');
export const newAddress = (): string => `${randomUUID()}@attack.example`;

/** What the attackers have received: the latest code by address. */
export const codes = new Map<string, string>();

/** For the mail server: takes the emails of attacks. Returns whether the inbox shows a message. */
export async function leaveToInbox({ envelope, text }: Pick<ReceivedMessage, 'envelope' | 'text'>) {
  const [email = ''] = envelope.to;
  if (isAttack(email)) codes.set(email, codeIn({ text }) ?? '');
  return !isAttack(email);
}

/** Thrown where the limit of clients answers, because all attackers have one address. */
export const LIMITED = new Error('The limit of clients is reached.');

export async function requestCode(post: Client, path = '/email-verification') {
  const email = newAddress();
  const { status, body } = await post(`${path}/send`, { email });
  const code = codes.get(email);
  if (code) return { email, challengeId: body['challengeId'], code };
  throw status === 429 ? LIMITED : new Error(`No code was sent, but ${status}.`);
}

/** Clients of the server that holds this end of a connection. On Linux, each has an address of its own, as in the field. */
export function clientsOf({ localAddress = '', localPort: port }: Socket, timeout: number): () => Client {
  const [host, signal] = [localAddress.replace('::ffff:', ''), AbortSignal.timeout(timeout)];
  setMaxListeners(0, signal);
  const hasMany = process.platform === 'linux' && isIPv4(host);
  const headers = { 'content-type': 'application/json' };
  return () => {
    const agent = new Agent({ keepAlive: true });
    const own = hasMany && {
      localAddress: `127.${randomInt(1, 255)}.${randomInt(255)}.${randomInt(1, 255)}`,
    };
    return async (path, fields) => {
      const start = performance.now();
      const asked = request({ host, port, path, headers, signal, method: 'POST', agent, ...own });
      const [response]: IncomingMessage[] = await once(asked.end(JSON.stringify(fields)), 'response');
      if (!response) throw new Error('There was no response.');
      const body = Object(await json(response).catch(() => undefined));
      const { statusCode: status = 0 } = response;
      return { status, headers: response.headers, body, ms: performance.now() - start };
    };
  };
}

/** The n-th code that has the form of the right one and is not that one. */
export function wrong(code: string, n: number): string {
  const digits = String(n).padStart(code.replace('-', '').length, '0');
  const typed = /\d/.test(code)
    ? digits
    : digits.replace(/\d/g, (digit) => 'BCDFGHJKLM'[Number(digit)] ?? '');
  return typed === code.replace('-', '') ? wrong(code, n + 1000) : typed;
}
