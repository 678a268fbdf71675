import { Resolver } from 'node:dns/promises';
import { MemoryStore } from 'express-email-verification';
import request from 'supertest';
import { refuseDomainsWithoutMail } from '../../demo-app/recipes/mx-records.js';
import { createTestApp } from '../support/app.js';
import { mx, startDnsServer } from '../support/dns-server.js';
import { freePort } from '../support/free-port.js';

const ZONE = {
  'mail.example': { MX: [mx('mx1.mail.example'), mx('mx2.mail.example')] },
  'v4.example': { A: [Buffer.of(192, 0, 2, 1)] },
  'v6.example': { AAAA: [Buffer.alloc(16, 1)] },
  'null.example': { MX: [mx('.')], A: [Buffer.of(192, 0, 2, 1)] },
  'empty.example': {},
  'xn--bcher-kva.example': { MX: [mx('mx.example')] },
  'broken.example': 'servfail',
  'silent.example': 'silent',
} as const;

let dns: Awaited<ReturnType<typeof startDnsServer>>;
beforeAll(async () => {
  dns = await startDnsServer(ZONE);
});
afterAll(() => dns.close());

/** Sends to an address, and returns the status and the message. */
async function send(email: string, server = dns.address, deadline = 60_000) {
  const resolver = new Resolver({ timeout: deadline, tries: 1 });
  resolver.setServers([server]);
  const { app } = createTestApp({
    store: new MemoryStore(),
    transport: 'smtp://127.0.0.1:9',
    delivery: async () => {},
    hookTimeout: 60_000,
    beforeSend: refuseDomainsWithoutMail(resolver, deadline),
  });
  const { status, body } = await request(app).post('/ev/send').send({ email });
  resolver.cancel();
  return [status, body.message];
}

const SENT = [200, 'We sent you a code. Please check your email.'];

it.each(['mail.example', 'v4.example', 'v6.example', 'bücher.example'])('sends to %s', async (domain) => {
  const before = dns.queries.length;
  expect(await send(`minji@${domain}`)).toEqual(SENT);
  expect(dns.queries.length).toBeGreaterThan(before);
});

it.each(['null.example', 'empty.example', 'mistyped.example'])('refuses %s', async (domain) => {
  expect(await send(`minji@${domain}`)).toEqual([
    403,
    `There is no email at ${domain}. Please check the address.`,
  ]);
});

it('sends while DNS fails, does not answer in time, or is away', async () => {
  expect(await send('minji@broken.example')).toEqual(SENT);
  expect(await send('minji@silent.example', dns.address, 50)).toEqual(SENT);
  expect(await send('minji@mail.example', `127.0.0.1:${await freePort()}`)).toEqual(SENT);
});
