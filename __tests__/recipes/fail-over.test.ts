import { MemoryStore } from 'express-email-verification';
import { createVerification, watch } from '../../demo-app/recipes/fail-over.js';
import { FROM, SECRET } from '../support/app.js';
import { freePort } from '../support/free-port.js';
import { useMailServer } from '../support/mail-server.js';
import { until } from '../support/until.js';

const mail = useMailServer();
const options = { store: new MemoryStore(), from: FROM, secret: SECRET };

it('sends by the second provider while the first is down, and logs the problem', async () => {
  jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
  const down = `smtp://127.0.0.1:${await freePort()}`;
  const lines: string[] = [];
  const log = (sentence: string) => void lines.push(sentence);
  // A busy machine must not look like a second server that is down.
  const verification = createVerification({ ...options, mailTimeout: 60_000 }, [down, mail.url], log);
  const email = 'minji@example.com';
  await verification.send({ email });
  const verified = await verification.verify({ email, code: await mail.lastCode(email) });
  expect(verified).toMatchObject({ kind: 'verified' });
  expect(lines).toEqual([]);

  const stop = watch(verification, log, 10);
  await until('the problem is logged', () => lines.length > 0);
  stop();
  expect(lines[0]).toContain(`\`transport[0]\` could not log in: ${down.slice('smtp://'.length)} refused`);
  await verification.close();
  jest.restoreAllMocks();
});

it('logs why each failed if both are down', async () => {
  const [first, second] = [await freePort(), await freePort()];
  const lines: string[] = [];
  const urls = [`smtp://127.0.0.1:${first}`, `smtp://127.0.0.1:${second}`] as const;
  const verification = createVerification({ ...options, mailTimeout: 1000 }, urls, (sentence) => {
    lines.push(sentence);
  });
  expect(await verification.send({ email: 'jun@example.com' })).toMatchObject({ kind: 'delivery_failed' });
  expect(lines).toEqual([expect.stringMatching(new RegExp(`:${second} .*; before that, .*:${first} `))]);
  await verification.close();
});
