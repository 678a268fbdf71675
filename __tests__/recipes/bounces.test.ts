import express from 'express';
import { createEmailVerification, MemoryStore } from 'express-email-verification';
import request from 'supertest';
import { createBounceWebhook } from '../../demo-app/recipes/bounces.js';
import { FROM, SECRET } from '../support/app.js';
import { useMailServer } from '../support/mail-server.js';

const mail = useMailServer();
const email = 'minji@example.com';
const password = 'the password of the webhook';

function start() {
  const verification = createEmailVerification({
    ...{ store: new MemoryStore(), transport: mail.url, from: FROM, secret: SECRET, storeTimeout: 10_000 },
  });
  const onBounce = jest.fn();
  const app = express().post('/bounces', createBounceWebhook({ domain: 'acme.example', password, onBounce }));
  const report = (body: object | string, type = 'application/json') =>
    request(app)
      .post('/bounces')
      .auth('provider', password)
      .set('Content-Type', type)
      .send(typeof body === 'string' ? body : JSON.stringify(body));
  return { app, verification, onBounce, report };
}

/** The ids of an email, as a provider reads them in the email itself. */
async function sendEmail({ verification }: ReturnType<typeof start>) {
  const references: string[] = [];
  verification.on('sent', ({ reference }) => references.push(reference));
  await verification.send({ email });
  const raw = mail.messages.at(-1)?.raw ?? '';
  const messageId = /^Message-ID: (.+)\r$/m.exec(raw)?.[1] ?? '';
  return { reference: references[0], messageId };
}

const REPORTS: Record<string, (messageId: string) => [body: object, type?: string]> = {
  SendGrid: (id) => [[{ email, event: 'bounce', 'smtp-id': id, reason: '550 5.1.1 no such user' }]],
  Mailgun: (id) => [
    {
      signature: {},
      'event-data': { event: 'failed', message: { headers: { 'message-id': id.slice(1, -1) } } },
    },
  ],
  'Amazon SES by SNS': (id) => [
    {
      Type: 'Notification',
      Message: JSON.stringify({
        notificationType: 'Bounce',
        mail: {
          messageId: '0100018f',
          commonHeaders: { messageId: id },
          headers: [{ name: 'Message-ID', value: id }],
        },
      }),
    },
    'text/plain; charset=UTF-8',
  ],
};

it.each(Object.keys(REPORTS))('finds the send that a report of %s is about', async (provider) => {
  const service = start();
  const { reference, messageId } = await sendEmail(service);
  const [body, type] = REPORTS[provider]?.(messageId) ?? [{}];
  await service.report(body, type).expect(204);
  expect(service.onBounce.mock.calls).toEqual([[reference, JSON.stringify(body)]]);
});

it('takes reports only with the password, and finds nothing in those about other emails', async () => {
  const service = start();
  const { messageId } = await sendEmail(service);
  await request(service.app).post('/bounces').send({ id: messageId }).expect(401);
  await request(service.app).post('/bounces').auth('provider', 'guessed').send({ id: messageId }).expect(401);
  const other = messageId.replace('acme.example', 'acme.example.org');
  for (const body of [{ id: other }, { id: messageId.replace('-', '') }, 'no JSON', ''])
    await service.report(body).expect(204);
  expect(service.onBounce).not.toHaveBeenCalled();
});
