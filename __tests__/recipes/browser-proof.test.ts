import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { emailVerificationRouter, MemoryStore } from 'express-email-verification';
import { createEmailVerificationClient } from 'express-email-verification/client';
import { attachProof } from 'express-email-verification/client/proof';
import { createVerification, page } from '../../demo-app/recipes/browser-proof.js';
import { FROM, SECRET } from '../support/app.js';
import { createProof, EMAIL, ed25519, ORIGIN, useIssuer } from '../support/issuer.js';
import { useMailServer } from '../support/mail-server.js';
import { until } from '../support/until.js';

const mail = useMailServer();
const issuer = useIssuer();

it('leads a person whose browser proves the address past the code, and sends it to everybody else', async () => {
  const verification = createVerification(
    { store: new MemoryStore(), transport: mail.url, from: FROM, secret: SECRET, hookTimeout: 60_000 },
    { origin: ORIGIN, ...issuer.optionsOf() },
  );
  const server = express().use(emailVerificationRouter(verification)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const html = page('the token of the trial');
  expect(html).toContain('<meta http-equiv="origin-trial" content="the token of the trial">');
  const [, script = ''] = /<script type="module">([\s\S]*)<\/script>/.exec(html) ?? [];
  let nonce = '';
  const field = {
    value: '',
    setAttribute: (_name: string, value: string) => {
      nonce = value;
    },
    removeAttribute: () => {},
  };
  const proof = attachProof(field, { baseUrl });
  const start = { email: { value: EMAIL }, proof: field, onsubmit: async (_event: object) => {} };
  const line = { textContent: '' };
  const globals = {
    start,
    line,
    createEmailVerificationClient: () => createEmailVerificationClient({ baseUrl }),
    attachProof: () => proof,
  };
  new Function(...Object.keys(globals), script.replace(/^ *import .*$/gm, ''))(...Object.values(globals));
  const submit = () => start.onsubmit({ preventDefault: () => {} });
  await until('there is a nonce', () => nonce !== '');

  field.value = createProof(nonce, issuer.issuerKey, { issuerKey: ed25519() });
  nonce = '';
  await submit();
  expect(line.textContent).toBe('We sent you a code. Please check your email.');
  expect(await mail.lastCode(EMAIL)).toMatch(/^\d{6}$/);

  await until('there is another nonce', () => nonce !== '');
  field.value = createProof(nonce, issuer.issuerKey);
  await submit();
  expect(line.textContent).toBe('Your email address is verified.');
  expect(mail.messages).toHaveLength(1);

  proof.detach();
  await verification.close();
  server.close();
});
