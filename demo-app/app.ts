/**
 * Read this file first. It is all that an app writes to verify email addresses before a sign-up: the options, the two
 * routes, and the guard in front of the sign-up. The rest of the folder is an ordinary Express app around it.
 */
import express, { type Express } from 'express';
import {
  createEmailVerification,
  type EmailVerification,
  type EmailVerificationOptions,
  emailVerificationRouter,
  requireVerifiedEmail,
} from 'express-email-verification';
import { type EvpOptions, evp } from 'express-email-verification/evp';
import type { Accounts } from './accounts/accounts.js';
import { codeEmail, existingAccountEmail } from './accounts/emails.js';
import { type Sessions, signInRouter } from './accounts/sign-in.js';
import { errorPages, isBetween, pages, setUpSite, textOf, textsOf } from './site/site.js';

export interface AppOptions {
  /** The origin of the pages in a browser, such as `https://acme.example`. */
  readonly origin: string;
  readonly emailVerification: Omit<EmailVerificationOptions, 'appName' | 'origin' | 'beforeSend'>;
  /** The provider of the development tools, in place of those that the DNS names. */
  readonly issuer?: Omit<EvpOptions, 'origins'> | undefined;
  readonly accounts: Accounts;
  readonly sessions: Sessions;
  /** Adds the inbox, the panel "What just happened", and the attacks. Never in production. */
  readonly mountDevelopmentTools?: ((app: Express, verification: EmailVerification) => void) | undefined;
  /** The `trust proxy` setting of Express. @default false */
  readonly trustProxy?: number | boolean;
}

export function createApp(options: AppOptions): { app: Express; verification: EmailVerification } {
  const { origin, accounts, sessions, trustProxy = false } = options;

  const verification = createEmailVerification({
    // The store, the transport, the sender and the secret: see server.ts.
    ...options.emailVerification,
    appName: 'Acme',
    origin,
    template: codeEmail,
    // Somebody with an account gets an email that says so, and no code. The response is the same for everyone, so nobody
    // can find out by it who has an account.
    beforeSend: ({ email, locale }) =>
      accounts.exists(email) ? { kind: 'suppress', mail: existingAccountEmail(locale, origin) } : undefined,
    // Where the browser can prove the address, the person enters no code (experimental).
    browserProof: evp({ origins: [origin], ...options.issuer }),
  });

  const app = express().disable('x-powered-by').set('trust proxy', trustProxy);
  setUpSite(app, options);

  // POST /email-verification/send emails a code. POST /email-verification/verify checks it, and returns a token.
  app.use('/email-verification', emailVerificationRouter(verification));

  // requireVerifiedEmail() takes the token, once. If the handler responds with 400 or more, the token can be used again.
  app.post('/sign-up', express.json(), requireVerifiedEmail(verification), async (req, res) => {
    const t = textsOf(res);
    const name = textOf(req.body, 'name').trim();
    const password = textOf(req.body, 'password');
    const errors = [
      ...(isBetween(name, 1, 80) ? [] : [{ field: 'name', message: t.errors.name }]),
      ...(isBetween(password, 8, 200) ? [] : [{ field: 'password', message: t.errors.password }]),
    ];
    if (errors.length > 0) return void res.status(400).json({ ok: false, errors });

    const account = await accounts.create({ email: req.verifiedEmail, name, password });
    if (!account) return void res.status(409).json({ ok: false, message: t.errors.accountExists });
    await sessions.start(req, res, account);
    res.status(201).json({ ok: true, url: '/welcome' });
  });

  app.use(signInRouter({ accounts, sessions }));
  app.use(pages);
  options.mountDevelopmentTools?.(app, verification);
  app.use(...errorPages);
  return { app, verification };
}
