import express from 'express';
import { MemoryStore } from 'express-email-verification';
import request from 'supertest';
import { createMetricsRoute } from '../../demo-app/recipes/prometheus-metrics.js';
import { createTestApp } from '../support/app.js';
import { useMailServer } from '../support/mail-server.js';

const mail = useMailServer();
const email = 'minji@example.com';

it('serves what Prometheus scrapes, without an address or a code', async () => {
  const { app, verification } = createTestApp({ store: new MemoryStore(), transport: mail.url });
  const internal = express().get('/metrics', createMetricsRoute(verification));
  await request(app).post('/ev/send').send({ email }).expect(200);
  const code = await mail.lastCode(email);
  await request(app)
    .post('/ev/verify')
    .send({ email, code: code === '000000' ? '000001' : '000000' });
  await request(app).post('/ev/verify').send({ email, code }).expect(200);

  const { text } = await request(internal)
    .get('/metrics')
    .expect(200)
    .expect('Content-Type', /^text\/plain/);
  const sampleOf = (metric: string, ...labels: string[]) => {
    const line = text
      .split('\n')
      .find((one) => one.startsWith(`${metric}{`) && labels.every((label) => one.includes(label)));
    return Number(line?.split('} ')[1]?.split(' ')[0]);
  };
  const outcome = (name: string) => `email_verification_outcome="${name}"`;
  expect(sampleOf('email_verification_sends_total', outcome('sent'))).toBe(1);
  expect(sampleOf('email_verification_attempts_total', outcome('code_incorrect'))).toBe(1);
  expect(sampleOf('email_verification_attempts_total', outcome('verified'))).toBe(1);
  expect(sampleOf('email_verification_emails_total', outcome('delivered'))).toBe(1);
  expect(sampleOf('email_verification_email_duration_count', outcome('delivered'))).toBe(1);
  expect(sampleOf('email_verification_operation_duration_bucket', outcome('verified'), 'le="+Inf"')).toBe(1);
  expect(sampleOf('email_verification_queue_size')).toBe(0);
  expect(text).not.toContain(code);
  expect(text).not.toMatch(/minji|example\.com/);
});
