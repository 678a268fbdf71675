import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { emailVerificationRouter, MemoryStore } from 'express-email-verification';
import { createEmailVerificationClient } from 'express-email-verification/client';
import { createVerification, page } from '../../demo-app/recipes/captcha.js';
import { FROM, SECRET } from '../support/app.js';
import { useMailServer } from '../support/mail-server.js';
import { CAPTCHA_SECRET, useSiteverify } from '../support/siteverify.js';

const mail = useMailServer();
const siteverify = useSiteverify();
const email = 'minji@example.com';

it('sends a code to a person who has solved the widget of the page, and to nobody else', async () => {
  const verification = createVerification(
    { store: new MemoryStore(), transport: mail.url, from: FROM, secret: SECRET },
    { secret: CAPTCHA_SECRET, hostname: 'acme.example', url: siteverify.url('turnstile') },
  );
  const server = express().use(emailVerificationRouter(verification)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const html = page('0x4AAA');
  expect(html).toContain('data-sitekey="0x4AAA" data-action="signup"');
  const [, script = ''] = /<script type="module">([\s\S]*)<\/script>/.exec(html) ?? [];
  const ask = { email: { value: email }, onsubmit: async (_event: object) => {} };
  const line = { textContent: '' };
  /** The widget: its token is empty until somebody has solved it, and again once it is reset. */
  const turnstile = {
    token: '',
    getResponse: () => turnstile.token,
    reset: () => {
      turnstile.token = '';
    },
  };
  /** Without the widget at first, as if the browser had blocked its script. */
  const window: { turnstile?: typeof turnstile } = {};
  const globals = {
    ask,
    line,
    window,
    createEmailVerificationClient: () => createEmailVerificationClient({ baseUrl }),
  };
  new Function(...Object.keys(globals), script.replace(/^ *import .*$/m, ''))(...Object.values(globals));
  const submit = () => ask.onsubmit({ preventDefault: () => {} });

  await submit();
  expect(line.textContent).toBe('Please confirm that you are not a robot, then try again.');
  line.textContent = '';
  window.turnstile = turnstile;

  const solved = { hostname: 'acme.example', action: 'signup' };
  for (const token of ['', siteverify.solve({ ...solved, action: 'login' })]) {
    turnstile.token = token;
    await submit();
    expect(line.textContent).toBe('Please confirm that you are not a robot, then try again.');
  }
  turnstile.token = siteverify.solve(solved);
  await submit();
  expect(line.textContent).toBe('We sent you a code. Please check your email.');
  expect(turnstile.token).toBe('');
  expect(await mail.lastCode(email)).toMatch(/^\d{6}$/);
  expect(mail.messages).toHaveLength(1);

  await verification.close();
  server.close();
});
