import express, { type RequestHandler } from 'express';
import { createEmailVerification, MemoryStore } from 'express-email-verification';
import request from 'supertest';
import { createSupportRouter } from '../../demo-app/recipes/support-route.js';
import { FROM, SECRET } from '../support/app.js';

const email = 'minji@example.com';

function start() {
  const store = new MemoryStore();
  const delivery = async () => {};
  const verification = createEmailVerification({
    ...{ store, transport: 'smtp://127.0.0.1:1', delivery, from: FROM, secret: SECRET, storeTimeout: 10_000 },
  });
  const staffOnly: RequestHandler = (req, res, next) =>
    req.get('authorization') === 'staff' ? next() : res.status(403).end();
  const log = jest.fn();
  const app = express().use('/admin', createSupportRouter(verification, staffOnly, log));
  const post = (path: string, body: object, who = 'staff') =>
    request(app).post(path).set('Authorization', who).send(body);
  return { store, verification, log, post };
}

it('shows staff why a person gets no code, and unblocks the person', async () => {
  const { verification, log, post } = start();
  await verification.send({ email });
  const shown = await post('/admin/status', { email }).expect(200).expect('Cache-Control', 'no-store');
  expect(shown.body).toMatchObject({ kind: 'status', attemptsLeft: 5, sendsToday: 1, nextSendIn: 60 });
  expect(await verification.send({ email })).toMatchObject({ kind: 'too_many_requests' });
  expect((await post('/admin/unblock', { email }).expect(200)).body).toEqual({ kind: 'forgotten' });
  expect(log).toHaveBeenCalledTimes(1);
  expect(await verification.send({ email })).toMatchObject({ kind: 'sent' });
});

it('shows nobody else anything, and changes nothing for them', async () => {
  const { verification, log, post } = start();
  await verification.send({ email });
  for (const path of ['/admin/status', '/admin/unblock'])
    expect((await post(path, { email }, 'a person').expect(403)).text).toBe('');
  expect(log).not.toHaveBeenCalled();
  expect(await verification.status({ email })).toMatchObject({ sendsToday: 1 });
});

it('refuses what is not an address, and tells staff that the store is unavailable', async () => {
  const { store, verification, post } = start();
  verification.on('unavailable', () => {});
  for (const path of ['/admin/status', '/admin/unblock']) {
    expect((await post(path, { email: 'nobody' }).expect(400)).body.kind).toBe('invalid_request');
    await post(path, {}).expect(400);
  }
  jest.spyOn(store, 'status').mockRejectedValue(new Error('no connection'));
  expect((await post('/admin/status', { email }).expect(503)).body.kind).toBe('unavailable');
});
