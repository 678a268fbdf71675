import express from 'express';
import { emailVerificationRouter, MemoryStore } from 'express-email-verification';
import request from 'supertest';
import { createVerification } from '../../demo-app/recipes/tenants.js';
import { FROM, SECRET } from '../support/app.js';
import { useMailServer } from '../support/mail-server.js';

const mail = useMailServer();
const logo = { url: 'https://shop.example/logo.png', width: 80, height: 40 };
const tenants = new Map([
  ['shop.example', { name: 'The Shop', from: 'The Shop <hello@shop.example>', logo, support: 'Call us' }],
  ['club.example', { name: 'The Club', from: 'The Club <hello@club.example>', logo, support: 'Write' }],
]);

it('each tenant has its own sender, name and logo, and nobody else may send', async () => {
  const verification = createVerification(
    { store: new MemoryStore(), transport: mail.url, from: FROM, secret: SECRET, storeTimeout: 10_000 },
    tenants,
  );
  const app = express().use('/ev', emailVerificationRouter(verification));
  const send = (host: string, email: string) =>
    request(app).post('/ev/send').set('Host', host).send({ email });

  await send('shop.example', 'one@example.com').expect(200);
  await send('club.example', 'two@example.com').expect(200);
  await send('evil.example', 'three@example.com').expect(403);
  const [shop, club, ...others] = mail.messages;
  expect(others).toEqual([]);
  expect(shop).toMatchObject({
    subject: 'Your code for The Shop',
    from: { name: 'The Shop', address: 'hello@shop.example' },
    envelope: { from: 'hello@shop.example', to: ['one@example.com'] },
  });
  expect(shop?.html).toContain('src="https://shop.example/logo.png"');
  expect(shop?.headers['message-id']).toContain('@shop.example>');
  expect(club).toMatchObject({
    subject: 'Your code for The Club',
    envelope: { from: 'hello@club.example' },
  });
  await verification.close();
});
