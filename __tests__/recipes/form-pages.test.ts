import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Express, RequestHandler } from 'express';
import { createEmailVerification, en, MemoryStore } from 'express-email-verification';
import session from 'express-session';
import request from 'supertest';
import { FROM, SECRET } from '../support/app.js';
import { useMailServer } from '../support/mail-server.js';

const mail = useMailServer();
const email = 'minji@example.com';
let views: string;
beforeAll(async () => {
  views = await mkdtemp(join(tmpdir(), 'views-'));
  await copyFile(join(__dirname, '../../demo-app/recipes/form-pages.ejs'), join(views, 'sign-up.ejs'));
});
afterAll(() => rm(views, { recursive: true }));

/** The app of a person's browser, which keeps cookies and submits the forms of the page it has last loaded. */
async function visit(version: string) {
  let now = Date.now();
  const verification = createEmailVerification({
    store: new MemoryStore({ clock: () => now }),
    transport: mail.url,
    from: FROM,
    secret: SECRET,
    storeTimeout: 10_000,
    rateLimit: { send: { windowMs: 60_000, limit: 4 } },
  });
  const accounts: string[] = [];
  const createAccount: RequestHandler = (req, res) => {
    if (req.body.password === 'short') return void res.status(400).send('too short');
    accounts.push(req.verifiedEmail);
    delete req.session.signUp;
    res.redirect(303, '/welcome');
  };
  const app = await load(version, (express, signUpPages) =>
    express()
      .set('views', views)
      .set('view engine', 'ejs')
      .use(session({ secret: SECRET, resave: false, saveUninitialized: false, cookie: { sameSite: 'lax' } }))
      .use('/sign-up', signUpPages(verification, createAccount)),
  );
  const agent = request.agent(app);
  const loadPage = async () => (await agent.get('/sign-up').expect(200)).text;
  let html = await loadPage();

  return {
    accounts,
    pass(seconds: number) {
      now += seconds * 1000;
    },
    text: () => /<p role="status">(.*)<\/p>/.exec(html)?.[1],
    fields: () => [...html.matchAll(/<input name="(\w+)"/g)].map(([, name]) => name),
    html: () => html,
    /** Submits the form with this field, without following the redirect. */
    submit: (name: string, value: string) => {
      const form = html.split('<form ').find((text) => text.includes(`name="${name}"`)) ?? '';
      const [, action = ''] = /^method="post" action="([^"]+)"/.exec(form) ?? [];
      return agent
        .post(action)
        .type('form')
        .send({ [name]: value });
    },
    /** Submits it, and loads the page to which the answer redirects. */
    async enter(name: string, value: string) {
      await this.submit(name, value).expect(303).expect('Location', '/sign-up');
      html = await loadPage();
    },
  };
}

type Recipe = typeof import('../../demo-app/recipes/form-pages.js');

/** Loads the recipe, and the package, with one version of Express. */
function load(
  version: string,
  create: (express: () => Express, signUpPages: Recipe['signUpPages']) => Express,
): Promise<Express> {
  return new Promise((resolve) => {
    jest.isolateModules(() => {
      const express = jest.requireActual(version);
      jest.doMock('express', () => express);
      const { signUpPages }: Recipe = require('../../demo-app/recipes/form-pages.js');
      resolve(create(express, signUpPages));
      jest.dontMock('express');
    });
  });
}

describe.each([
  ['Express 5', 'express'],
  ['Express 4', 'express4'],
])('on %s', (_name, version) => {
  it('verifies an address and signs up, form by form', async () => {
    const page = await visit(version);
    expect(page.fields()).toEqual(['email']);
    await page.enter('email', 'no"body');
    expect([page.text(), page.fields()]).toEqual([en.fields.email, ['email']]);
    expect(page.html()).toContain('value="no&#34;body"');

    await page.enter('email', email);
    expect(page.text()).toBe('We sent you a code. Please check your email.');
    expect(page.fields()).toEqual(['email', 'code']);
    await page.enter('email', email);
    expect(page.text()).toMatch(/^Too many requests\./);

    const code = await mail.lastCode(email);
    await page.enter('code', '12345');
    expect(page.text()).toBe(en.fields.code(6));
    await page.enter('code', code === '000000' ? '111111' : '000000');
    expect(page.text()).toBe('The code is incorrect. You have 4 attempts left.');
    await page.enter('code', code);
    expect([page.text(), page.fields()]).toEqual(['Your email address is verified.', ['password']]);

    await page.submit('password', 'short').expect(400, 'too short');
    await page.submit('password', 'a long password').expect(303).expect('Location', '/welcome');
    expect(page.accounts).toEqual([email]);
    await page.submit('password', 'again').expect(303).expect('Location', '/sign-up');
    expect(page.accounts).toEqual([email]);
  });

  it('sends nothing for a page of another site', async () => {
    const page = await visit(version);
    await page.submit('email', email).set('Sec-Fetch-Site', 'cross-site').expect(403);
    await page.enter('email', email);
    expect(page.text()).toBe('We sent you a code. Please check your email.');
  });

  it('shows the form for a body of another type', async () => {
    const page = await visit(version);
    await page.submit('email', email).type('json').expect(303).expect('Location', '/sign-up');
    await page.submit('email', email).set('Sec-Fetch-Site', 'same-origin').expect(303);
  });

  it('starts over, with the address filled in, when the token has expired', async () => {
    const page = await visit(version);
    await page.enter('email', email);
    await page.enter('code', await mail.lastCode(email));
    page.pass(901);
    await page.enter('password', 'a long password');
    expect(page.text()).toBe('Please verify your email address first.');
    expect(page.fields()).toEqual(['email', 'code']);
    expect(page.html()).toContain(`value="${email}"`);
    expect(page.accounts).toEqual([]);
  });

  it('shows the page to a client that has reached its limit', async () => {
    const page = await visit(version);
    for (let n = 0; n < 4; n += 1) await page.enter('email', 'nobody');
    await page.enter('email', email);
    expect(page.text()).toMatch(/^Too many requests\./);
    expect(mail.messages).toEqual([]);
  });
});
