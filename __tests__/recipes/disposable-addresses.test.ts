import { MemoryStore } from 'express-email-verification';
import request from 'supertest';
import { refuseDisposableAddresses } from '../../demo-app/recipes/disposable-addresses.js';
import { createTestApp } from '../support/app.js';

it('refuses addresses of disposable-email services, and no others', async () => {
  const { app } = createTestApp({
    store: new MemoryStore(),
    transport: 'smtp://127.0.0.1:9',
    delivery: async () => {},
    beforeSend: refuseDisposableAddresses,
  });
  const send = (email: string) => request(app).post('/ev/send').send({ email });
  for (const domain of ['mailinator.com', 'MAILINATOR.com', 'yopmail.com', 'guerrillamail.com']) {
    const { status, body } = await send(`minji@${domain}`);
    expect([domain, status, body.message]).toEqual([
      domain,
      403,
      'Please use an address that you will keep.',
    ]);
  }
  for (const domain of ['gmail.com', 'naver.com', 'example.com'])
    expect([domain, (await send(`minji@${domain}`)).status]).toEqual([domain, 200]);
});
