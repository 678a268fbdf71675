/** Whether an address has an account: no answer, limit or response time reveals it. */
import type { IncomingHttpHeaders } from 'node:http';
import { ownTime } from '../support/own-time.js';
import { clientAddress, MINUTE, type Reply, STORES, startClock, useServices } from './services.js';

const { mail, open, storeOf } = useServices({ delay: 500 });
const PAIRS = 100;

const isKnown = (email: string) => email.startsWith('known');
const suppress = ({ email }: { email: string }) =>
  isKnown(email) ? ({ kind: 'suppress' } as const) : undefined;

describe.each(STORES)('on %s', (name) => {
  it('T23: a suppressed and a normal send get the same answer, headers and response time, with SMTP at 500 ms (promise 11)', async () => {
    const { port } = mail.server;
    const transport = { host: '127.0.0.1', port, pool: true, maxConnections: 50 } as const;
    const service = await open({
      store: storeOf(name),
      transport,
      delivery: 'background',
      beforeSend: suppress,
    });
    const times = { known: [] as number[], fresh: [] as number[] };
    const shapes = new Set<string>();
    let clients = 0;
    for (let n = -5; n < PAIRS; n += 1) {
      // In turns, so that a slow phase of the machine slows both.
      for (const kind of n % 2 ? (['known', 'fresh'] as const) : (['fresh', 'known'] as const)) {
        const begun = ownTime();
        const reply = await service.send({ email: `${kind}${n}@example.com` }, clientAddress(clients++));
        if (n >= 0) times[kind].push(ownTime() - begun);
        shapes.add(shape(reply));
      }
    }
    expect([...shapes]).toHaveLength(1);
    expect(Math.abs(median(times.known) - median(times.fresh))).toBeLessThan(20);
  });

  it('T23: limits, waits and attempts are the same after a suppressed send (promise 11)', async () => {
    const clock = startClock();
    const service = await open({
      store: storeOf(name, clock.read),
      delivery: 'background',
      beforeSend: suppress,
      rateLimit: { send: false },
    });
    const courses = [];
    for (const email of ['known@example.com', 'fresh@example.com']) {
      const course: string[] = [];
      const note = (reply: Reply) => course.push(shape(reply).replaceAll(email, ''));
      const first = await service.send({ email });
      const { challengeId } = first.body;
      note(first);
      note(await service.send({ email }));
      note(await service.send({ email, challengeId }));
      clock.pass(MINUTE);
      note(await service.send({ email, challengeId }));
      // A code of letters is invalid for both, and a wrong one is incorrect for both.
      note(await service.verify({ email, challengeId, code: 'letters' }));
      for (let n = 0; n < 6; n += 1) note(await service.verify({ email, challengeId, code: `00000${n}` }));
      for (let n = 0; n < 6; n += 1) note(await service.verify({ email, code: `00000${n}` }));
      for (let n = 0; n < 6; n += 1) {
        clock.pass(MINUTE);
        note(await service.send({ email, challengeId }));
      }
      clock.pass(3 * MINUTE);
      note(await service.verify({ email, challengeId, code: '000000' }));
      courses.push(course);
    }
    expect(courses[0]).toEqual(courses[1]);
    expect(courses[0]?.join()).toMatch(/too_many_requests.*code_incorrect.*code_expired/);
  });

  it('T23: /verify answers the same for an address that no code was ever requested for (promise 11)', async () => {
    const service = await open({ store: storeOf(name), delivery: 'background', beforeSend: suppress });
    const shapes = new Set<string>();
    for (const email of ['known@example.com', 'fresh@example.com', 'nobody@example.com']) {
      if (!email.startsWith('nobody')) {
        const { challengeId } = (await service.send({ email })).body;
        for (let n = 0; n < 5; n += 1) await service.verify({ email, challengeId, code: `00000${n}` });
        shapes.add(shape(await service.verify({ email, challengeId, code: '000009' })));
      } else {
        shapes.add(shape(await service.verify({ email, code: '000009' })));
      }
    }
    expect([...shapes]).toHaveLength(1);
  });
});

/** An answer without what differs between any two: ids, the client's key and the date. */
function shape({ status, headers, body }: Reply): string {
  const policy = String(headers['ratelimit-policy']).replace(/pk=:\w+:/, '');
  const sameHeaders: IncomingHttpHeaders = { ...headers, date: '', 'ratelimit-policy': policy };
  const ids = body.challengeId?.replace(/./g, 'x');
  return JSON.stringify({ status, sameHeaders, body: { ...body, ...(ids && { challengeId: ids }) } });
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
