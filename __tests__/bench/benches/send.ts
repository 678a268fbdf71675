/**
 * /send with a mail server that replies at once: in the background compared with a bare nodemailer pool, awaited compared
 * with the tutorials and Better Auth. All send the same message, the tutorials its HTML alone; all keep a connection for
 * 100 messages, nodemailer's default, unless stated otherwise.
 */

import { setTimeout as wait } from 'node:timers/promises';
import { AIMS } from '../aims.js';
import type { Lab, Measured, Server, ServerName } from '../lab.js';
import type { LoadJob } from '../load.js';
import { median, progress, ratio, table, whole } from '../table.js';
import { expectSuccess } from './verify.js';

const ROUNDS = 5;
const SECONDS = 1.5;

interface Contestant {
  readonly label: string;
  readonly server: ServerName;
  readonly delivery?: 'await' | 'background';
  /** Connections to the mail server; 0 for one per email. @default 5 */
  readonly poolSize?: number;
  /** Messages per connection. @default 100 */
  readonly maxMessages?: number;
  /** The contestant it is compared with. */
  readonly beside: string | undefined;
}

const OURS = '/email-verification/send';
const CONTESTANTS: readonly Contestant[] = [
  { label: 'bare pool, nothing waits', server: 'floor', beside: undefined },
  { label: 'ours, background', server: 'ours', delivery: 'background', beside: 'bare pool, nothing waits' },
  {
    label: 'ours, background, 10 messages per connection (default)',
    server: 'ours',
    delivery: 'background',
    maxMessages: 10,
    beside: 'ours, background',
  },
  { label: 'ours, await', server: 'ours', beside: undefined },
  {
    label: 'ours, await, 10 messages per connection (default)',
    server: 'ours',
    maxMessages: 10,
    beside: 'ours, await',
  },
  { label: 'tutorial, await, a pool of one', server: 'naive', poolSize: 1, beside: 'ours, await' },
  { label: 'tutorial, await, no pool', server: 'naive', poolSize: 0, beside: 'ours, await' },
  { label: 'better-auth, await', server: 'better-auth', beside: 'ours, await' },
];

interface Sent extends Measured {
  /** Emails per second during the load. */
  readonly underLoad: number;
  /** Emails per second until the last one arrived. */
  readonly emailsPerSecond: number;
  readonly cpuPerEmail: number;
}

export async function send(lab: Lab): Promise<string> {
  const servers = await Promise.all(
    CONTESTANTS.map(({ server, delivery = 'await', poolSize = 5, maxMessages = 100 }) =>
      lab.server(server, { delivery, poolSize, maxMessages }),
    ),
  );
  let next = 0;
  /** Uses no address twice, since each mailbox has its limits. */
  const run = async (place: number, connections: number, seconds: number) => {
    const server = servers[place];
    if (!server) throw new Error(`no server ${place}`);
    next += 100_000;
    return sendEmails(lab, server, { ...jobOf(server.name), connections, seconds, first: next });
  };

  const sections: string[] = [];
  for (const place of CONTESTANTS.keys()) await run(place, 10, 1);
  for (const connections of [10, 100]) {
    const results: Sent[][] = CONTESTANTS.map(() => []);
    for (let round = 0; round < ROUNDS; round++) {
      for (let turn = 0; turn < CONTESTANTS.length; turn++) {
        const place = (turn + round) % CONTESTANTS.length;
        progress(
          `send, ${connections} connections, round ${round + 1} of ${ROUNDS}: ${CONTESTANTS[place]?.label}`,
        );
        results[place]?.push(await run(place, connections, SECONDS));
      }
    }
    sections.push(`send, ${connections} connections\n${show(results)}`);
  }
  return `${sections.join('\n\n')}\n${AIMS.send}`;
}

function jobOf(server: string): Pick<LoadJob, 'path' | 'bodies' | 'expect' | 'count' | 'again'> {
  const email = 'person-{i}@example.com';
  const endless = { count: 100_000, again: false };
  if (server === 'better-auth') {
    return {
      path: '/api/auth/email-otp/send-verification-otp',
      bodies: [JSON.stringify({ email, type: 'sign-in' })],
      expect: { status: 200, text: '"success":true' },
      ...endless,
    };
  }
  return {
    path: server === 'ours' ? OURS : '/send',
    bodies: [JSON.stringify({ email })],
    expect: { status: 200, text: '"ok":true' },
    ...endless,
  };
}

/** Puts load on /send and waits until every promised email has arrived. */
export async function sendEmails(lab: Lab, server: Server, job: Omit<LoadJob, 'port'>): Promise<Sent> {
  const before = await lab.sink.count();
  const usageBefore = (await server.child.ask<{ cpu: number }>('usage')).cpu;
  const start = Date.now();
  const result = await lab.load(server, job);
  expectSuccess(server.name, result, true);
  const atEnd = await lab.sink.count();
  const elapsed = (Date.now() - start) / 1000;

  let after = atEnd;
  for (let quiet = 0; quiet < 5; ) {
    await wait(30);
    const now = await lab.sink.count();
    quiet = now.messages === after.messages ? quiet + 1 : 0;
    after = now;
  }
  const emails = after.messages - before.messages;
  if (emails < result.ok) throw new Error(`${server.name}: ${result.ok} answers, ${emails} emails`);
  const cpu = (await server.child.ask<{ cpu: number }>('usage')).cpu - usageBefore;
  return {
    ...result,
    underLoad: (atEnd.messages - before.messages) / elapsed,
    emailsPerSecond: emails / ((after.lastAt - start) / 1000),
    cpuPerEmail: cpu / emails,
  };
}

function show(results: readonly Sent[][]): string {
  const ofLabel = (label: string) => results[CONTESTANTS.findIndex((one) => one.label === label)] ?? [];
  const emails = (rounds: readonly Sent[]) => rounds.map(({ emailsPerSecond }) => emailsPerSecond);
  const costs = (rounds: readonly Sent[]) => rounds.map(({ cpuPerEmail }) => cpuPerEmail);
  return table(
    [
      '',
      'answers/s',
      '503/s',
      'p99 ms',
      'emails/s',
      'emails/s under load',
      'emails to',
      'CPU µs per email',
      'CPU to',
    ],
    CONTESTANTS.map(({ label, beside }, place) => {
      const rounds = results[place] ?? [];
      const middle = (pick: (one: Sent) => number) => median(rounds.map(pick));
      const [first, second] = label.startsWith('ours')
        ? [rounds, ofLabel(beside ?? '')]
        : [ofLabel(beside ?? ''), rounds];
      return [
        label,
        whole(middle(({ perSecond }) => perSecond)),
        whole(middle(({ refused, seconds }) => refused / seconds)),
        middle(({ p99 }) => p99).toFixed(1),
        whole(middle(({ emailsPerSecond }) => emailsPerSecond)),
        whole(middle(({ underLoad }) => underLoad)),
        beside ? `${label.startsWith('ours') ? 'it' : 'ours'}: ${ratio(emails(first), emails(second))}` : '',
        whole(middle(({ cpuPerEmail }) => cpuPerEmail)),
        beside ? ratio(costs(first), costs(second)) : '',
      ];
    }),
  );
}
