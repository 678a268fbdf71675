/**
 * The siteverify API of Turnstile, hCaptcha and reCAPTCHA, as their documentation describes it: a form with `secret` and
 * `response`, a verdict in JSON, and tokens that are accepted once.
 */

import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export type Provider = 'turnstile' | 'hcaptcha' | 'recaptcha';

export const CAPTCHA_SECRET = '0x4AAAAAAA-secret-of-the-tests';

/** What each provider says of a token that was verified before. */
const USED: Readonly<Record<Provider, string>> = {
  turnstile: 'timeout-or-duplicate',
  hcaptcha: 'already-seen-response',
  recaptcha: 'timeout-or-duplicate',
};

/** Call it at the top of a test file. Each test starts with no tokens and the provider in order. */
export function useSiteverify() {
  const tokens = new Map<string, object>();
  const used = new Set<string>();
  const calls: { type: string | undefined; form: Record<string, string> }[] = [];
  let fault: RequestListener | undefined;

  const server = createServer(async (req, res) => {
    const form = Object.fromEntries(new URLSearchParams(await text(req)));
    const provider = new URL(req.url ?? '', 'http://localhost').pathname.slice(1) as Provider;
    calls.push({ type: req.headers['content-type'], form });
    if (fault) return fault(req, res);
    const verdict = verdictOn(provider, form['secret'], form['response']);
    res.setHeader('Content-Type', 'application/json').end(JSON.stringify(verdict));
  });

  function verdictOn(provider: Provider, secret: string | undefined, token = ''): object {
    const refused = (code: string) => ({ success: false, 'error-codes': [code] });
    if (!secret) return refused('missing-input-secret');
    if (secret !== CAPTCHA_SECRET) return refused('invalid-input-secret');
    if (used.has(token)) return refused(USED[provider]);
    const facts = tokens.get(token);
    if (!facts) return refused('invalid-input-response');
    used.add(token);
    return { success: true, challenge_ts: new Date().toISOString(), 'error-codes': [], ...facts };
  }

  beforeAll(() => new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening)));
  beforeEach(() => {
    tokens.clear();
    used.clear();
    calls.length = 0;
    fault = undefined;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  return {
    calls,
    url: (provider: Provider) => `http://127.0.0.1:${(server.address() as AddressInfo).port}/${provider}`,
    /** A token of a widget that a person has solved. */
    solve(facts: object = { hostname: 'acme.example' }): string {
      const token = `0.${'token_-'.repeat(20)}.${tokens.size}`;
      tokens.set(token, facts);
      return token;
    },
    /** Answers each request in this way, until the end of the test. */
    failWith(listener: RequestListener | undefined): void {
      fault = listener;
    },
  };
}
