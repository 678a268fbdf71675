import { MemoryStore } from 'express-email-verification';
import request from 'supertest';
import { nl } from '../../demo-app/recipes/own-language.js';
import { createTestApp } from '../support/app.js';
import { useMailServer } from '../support/mail-server.js';

const mail = useMailServer();
const email = 'minji@example.com';

it('answers and writes in a language of its own, with the plurals and durations of Unicode CLDR', async () => {
  const warned = jest.spyOn(process, 'emitWarning');
  const { app } = createTestApp({ store: new MemoryStore(), transport: mail.url, locales: { nl } });
  expect(warned).not.toHaveBeenCalled();
  warned.mockRestore();

  const post = (path: string, body: object) =>
    request(app).post(path).set('Accept-Language', 'nl-BE,nl;q=0.9,en;q=0.5').send(body);
  const sent = await post('/ev/send', { email }).expect(200);
  expect(sent.body.message).toBe('We hebben u een code gestuurd. Controleer uw e-mail.');
  const code = await mail.lastCode(email);
  const message = mail.messages.at(-1);
  expect(message?.subject).toBe('Uw verificatiecode voor Acme');
  expect(message?.text).toContain('De code is 3 minuten geldig en werkt één keer.');
  expect(message?.html).toContain('<html lang="nl" dir="ltr">');

  const { challengeId } = sent.body;
  const wrong = String((Number(code) + 1) % 1_000_000).padStart(6, '0');
  const messages: string[] = [];
  for (let n = 0; n < 5; n += 1)
    messages.push((await post('/ev/verify', { email, code: wrong, challengeId })).body.message);
  expect(messages.slice(3)).toEqual([
    'Onjuiste code. U hebt nog 1 poging.',
    'Onjuiste code. Vraag een nieuwe aan.',
  ]);
  expect(messages[0]).toBe('Onjuiste code. U hebt nog 4 pogingen.');
  const again = await post('/ev/send', { email }).expect(429);
  expect(again.body.message).toMatch(/^Te veel verzoeken\. Probeer het over \d+ seconden? opnieuw\.$/);
});
