import { MemoryStore } from 'express-email-verification';
import { createVerification } from '../../demo-app/recipes/develop-with-console-codes.js';
import { FROM, SECRET } from '../support/app.js';
import { useMailServer } from '../support/mail-server.js';

const mail = useMailServer();
const { NODE_ENV } = process.env;
const email = 'person@example.com';

beforeEach(() => {
  jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
});
afterEach(() => {
  process.env['NODE_ENV'] = NODE_ENV;
  jest.restoreAllMocks();
});

it('prints any number of codes in development', async () => {
  process.env['NODE_ENV'] = 'development';
  const lines: string[] = [];
  jest.spyOn(console, 'log').mockImplementation((line) => void lines.push(line));
  const verification = createVerification({ store: new MemoryStore(), from: FROM, secret: SECRET });
  for (let n = 0; n < 12; n += 1) await verification.send({ email });
  expect(lines).toHaveLength(12);
  const [code = ''] = /\d{6}/.exec(lines[11] ?? '') ?? [];
  expect(await verification.verify({ email, code })).toMatchObject({ kind: 'verified' });
  expect(mail.messages).toEqual([]);
});

it.each(['production', 'test', undefined])(
  'emails them within the limits if NODE_ENV is %j',
  async (environment) => {
    if (environment === undefined) Reflect.deleteProperty(process.env, 'NODE_ENV');
    else process.env['NODE_ENV'] = environment;
    mail.clear();
    const log = jest.spyOn(console, 'log');
    const options = {
      store: new MemoryStore(),
      transport: mail.url,
      from: FROM,
      secret: SECRET,
      storeTimeout: 10_000,
    };
    const verification = createVerification(options);
    expect(await verification.send({ email })).toMatchObject({ kind: 'sent' });
    expect(await verification.send({ email })).toMatchObject({ kind: 'too_many_requests' });
    expect(await mail.lastCode(email)).toMatch(/^\d{6}$/);
    expect(log).not.toHaveBeenCalled();
    await verification.close();
  },
);
