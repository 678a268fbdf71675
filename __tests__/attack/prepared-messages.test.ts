/** Many emails at once, most of them from a prepared message: each person gets their own code and no one else's. */
import { MemoryStore } from 'express-email-verification';
import request from 'supertest';
import { createTestApp } from '../support/app.js';
import { type ReceivedMessage, useMailServer } from '../support/mail-server.js';
import { until } from '../support/until.js';
import { inParallel } from './services.js';

const COUNT = 400;
const mail = useMailServer();

it.each(['en', 'ko'])(
  'each of many simultaneous emails in %s holds its own code and no other',
  async (locale) => {
    const { app, verification } = createTestApp({
      store: new MemoryStore(),
      transport: mail.url,
      delivery: 'background',
      origin: 'https://acme.example',
      rateLimit: false,
      mailTimeout: 60_000,
    });
    const server = app.listen(0, '127.0.0.1');
    try {
      const addressOf = (n: number) => `person-${n}@example.com`;
      const answers = await inParallel(COUNT, (n) =>
        request(server)
          .post('/ev/send')
          .send({ email: addressOf(n), locale }),
      );
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
      await until('all emails have arrived', () => mail.messages.length === COUNT, 120_000);

      const byAddress = new Map<string, ReceivedMessage>(
        mail.messages.map((message) => [message.envelope.to.join(), message]),
      );
      expect(byAddress.size).toBe(COUNT);
      expect(new Set(mail.messages.map(({ headers }) => headers['message-id'])).size).toBe(COUNT);
      await inParallel(COUNT, async (n) => {
        const message = byAddress.get(addressOf(n));
        expect(message?.to).toEqual([{ address: addressOf(n), name: '' }]);
        // Decoded by postal-mime: the code is in the text, in the HTML, and next to the origin.
        const codes =
          `${message?.text} ${message?.html}`.match(/(?<![\w#-])[0-9]{6}(?![\w-])|(?<=#)[0-9]{6}\b/g) ?? [];
        const code = codes[0] ?? '';
        expect(new Set(codes)).toEqual(new Set([code]));
        const { challengeId } = answers[n]?.body ?? {};
        const verified = await request(server)
          .post('/ev/verify')
          .send({ email: addressOf(n), code, challengeId });
        expect(verified.body).toMatchObject({ verify: true });
      });
    } finally {
      await verification.close();
      await new Promise((resolve) => server.close(resolve));
    }
  },
);
