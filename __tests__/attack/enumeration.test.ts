/** Who has an account: nothing in an answer, a limit or its time tells. */
import type { IncomingHttpHeaders } from 'node:http';
import { ownTime } from '../support/own-time.js';
import { clientAddress, MINUTE, type Reply, STORES, startClock, useFrontDoor } from './front-door.js';

const { mail, open, storeOf } = useFrontDoor({ delay: 500 });
const PAIRS = 100;

const isKnown = (email: string) => email.startsWith('known');
const suppress = ({ email }: { email: string }) =>
  isKnown(email) ? ({ kind: 'suppress' } as const) : undefined;

describe.each(STORES)('on %s', (name) => {
  it('T23: promise 11, a suppressed and a normal send, SMTP at 500 ms: the same answer, headers and time', async () => {
    const { port } = mail.server;
    const transport = { host: '127.0.0.1', port, pool: true, maxConnections: 50 } as const;
    const door = await open({
      store: storeOf(name),
      transport,
      delivery: 'background',
      beforeSend: suppress,
    });
    const times = { known: [] as number[], fresh: [] as number[] };
    const shapes = new Set<string>();
    let clients = 0;
    for (let n = -5; n < PAIRS; n += 1) {
      // Each pair in turns, so that what is slow for a while is slow for both.
      for (const kind of n % 2 ? (['known', 'fresh'] as const) : (['fresh', 'known'] as const)) {
        const begun = ownTime();
        const reply = await door.send({ email: `${kind}${n}@example.com` }, clientAddress(clients++));
        if (n >= 0) times[kind].push(ownTime() - begun);
        shapes.add(shape(reply));
      }
    }
    expect([...shapes]).toHaveLength(1);
    expect(Math.abs(median(times.known) - median(times.fresh))).toBeLessThan(20);
  });

  it('T23: promise 11, the same limits, waits and attempts after it', async () => {
    const clock = startClock();
    const door = await open({
      store: storeOf(name, clock.read),
      delivery: 'background',
      beforeSend: suppress,
      rateLimit: { send: false },
    });
    const courses = [];
    for (const email of ['known@example.com', 'fresh@example.com']) {
      const course: string[] = [];
      const note = (reply: Reply) => course.push(shape(reply).replaceAll(email, ''));
      const first = await door.send({ email });
      const { challengeId } = first.body;
      note(first);
      note(await door.send({ email }));
      note(await door.send({ email, challengeId }));
      clock.pass(MINUTE);
      note(await door.send({ email, challengeId }));
      // Ten digits short of luck: a code of letters is no code, a wrong one is wrong for both.
      note(await door.verify({ email, challengeId, code: 'letters' }));
      for (let n = 0; n < 6; n += 1) note(await door.verify({ email, challengeId, code: `00000${n}` }));
      for (let n = 0; n < 6; n += 1) note(await door.verify({ email, code: `00000${n}` }));
      for (let n = 0; n < 6; n += 1) {
        clock.pass(MINUTE);
        note(await door.send({ email, challengeId }));
      }
      clock.pass(3 * MINUTE);
      note(await door.verify({ email, challengeId, code: '000000' }));
      courses.push(course);
    }
    expect(courses[0]).toEqual(courses[1]);
    expect(courses[0]?.join()).toMatch(/too_many_requests.*code_incorrect.*code_expired/);
  });

  it('T23: promise 11, /verify takes as long and says the same for an address nobody ever asked a code for', async () => {
    const door = await open({ store: storeOf(name), delivery: 'background', beforeSend: suppress });
    const shapes = new Set<string>();
    for (const email of ['known@example.com', 'fresh@example.com', 'nobody@example.com']) {
      if (!email.startsWith('nobody')) {
        const { challengeId } = (await door.send({ email })).body;
        for (let n = 0; n < 5; n += 1) await door.verify({ email, challengeId, code: `00000${n}` });
        shapes.add(shape(await door.verify({ email, challengeId, code: '000009' })));
      } else {
        shapes.add(shape(await door.verify({ email, code: '000009' })));
      }
    }
    expect([...shapes]).toHaveLength(1);
  });
});

/** An answer without what differs between any two: ids, the client it counts and the time of day. */
function shape({ status, headers, body }: Reply): string {
  const policy = String(headers['ratelimit-policy']).replace(/pk=:\w+:/, '');
  const told: IncomingHttpHeaders = { ...headers, date: '', 'ratelimit-policy': policy };
  const ids = body.challengeId?.replace(/./g, 'x');
  return JSON.stringify({ status, told, body: { ...body, ...(ids && { challengeId: ids }) } });
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
