/** The page of the demo that shows its emails, for development. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type EmailVerification, MemoryStore } from 'express-email-verification';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { type Accounts, openAccounts } from '../../demo-app/accounts/accounts.js';
import { createSessions } from '../../demo-app/accounts/sign-in.js';
import { createApp } from '../../demo-app/app.js';
import { createDevelopmentTools } from '../../demo-app/dev/tools.js';
import { readSettings } from '../../demo-app/settings.js';
import { SECRET } from '../support/app.js';
import { freePort } from '../support/free-port.js';
import { LANGUAGES } from '../support/languages.js';
import { accessibilityProblems, describeInBrowser, screenshot, useBrowser } from './browser.js';

describeInBrowser('the email previews', () => {
  const browser = useBrowser();
  let origin = '';
  let parts: { server: Server; accounts: Accounts; verification: EmailVerification } | undefined;

  beforeAll(async () => {
    const port = await freePort();
    // With both of these, nothing is started.
    const services = { REDIS_URL: 'redis://localhost:1', SMTP_URL: 'smtp://localhost:1' };
    const settings = readSettings({
      ...services,
      MAIL_FROM: 'Acme <hello@acme.example>',
      PORT: String(port),
    });
    const accounts = openAccounts();
    const store = new MemoryStore();
    const { mount } = await createDevelopmentTools(settings, () => {});
    const { app, verification } = createApp({
      origin: settings.origin,
      accounts,
      sessions: createSessions({ secret: SECRET, secure: false }),
      emailVerification: {
        ...{ store, from: settings.from, secret: SECRET },
        transport: settings.smtpUrl,
      },
      mountDevelopmentTools: mount?.({ redis: undefined, store, accounts }),
    });
    const server = createServer(app);
    await once(server.listen(port, 'localhost'), 'listening');
    parts = { server, accounts, verification };
    origin = settings.origin;
  });
  afterAll(async () => {
    parts?.server.close();
    parts?.server.closeAllConnections();
    await parts?.verification.close();
    parts?.accounts.close();
  });

  async function visit(path = '', options: BrowserContextOptions = {}): Promise<Page> {
    const person = await browser.person(options);
    const page = await person.newPage();
    const errors: string[] = [];
    page.on('console', (message) => /Content.Security/i.test(message.text()) && errors.push(message.text()));
    await page.goto(`${origin}/dev/previews${path}`);
    expect(errors).toEqual([]);
    return page;
  }

  /** Each frame: its title, its width, and the background of the card in it. */
  async function cards(page: Page): Promise<[title: string, width: number, color: string][]> {
    const found: [string, number, string][] = [];
    for (const element of await page.locator('iframe').elementHandles()) {
      const frame = await element.contentFrame();
      const color = await frame?.evaluate(
        `getComputedStyle(document.querySelector('.card')).backgroundColor`,
      );
      const width = Number(await frame?.evaluate('innerWidth'));
      found.push([(await element.getAttribute('title')) ?? '', width, String(color)]);
    }
    return found;
  }

  it.each(['light', 'dark'] as const)(
    'show each email in light and dark mode in a browser in %s mode',
    async (colorScheme) => {
      // So high that the frames are all in view: the others would stay blank in the picture.
      const page = await visit('', { colorScheme, viewport: { width: 1100, height: 4000 } });
      const [light, dark] = ['rgb(255, 255, 255)', 'rgb(33, 36, 43)'];
      expect(await cards(page)).toEqual(
        ['Email with a code', 'Email to an address that has an account'].flatMap((name) => [
          [`${name}, Light, 320 px`, 320, light],
          [`${name}, Light, 600 px`, 600, light],
          [`${name}, Dark, 320 px`, 320, dark],
          [`${name}, Dark, 600 px`, 600, dark],
        ]),
      );
      await screenshot(page, `previews-${colorScheme}`);
    },
  );

  it('show sender, subject and preheader as an inbox does, and say that the code is a sample', async () => {
    const page = await visit();
    const rows = await page.locator('.inbox-row').allInnerTexts();
    expect(rows.map((row) => row.replace(/\s+/g, ' '))).toEqual([
      'Acme Your code for Acme Enter it to verify your email address for Acme.',
      expect.stringMatching(/^Acme You already have an account Someone, probably you, tried to sign up/),
    ]);
    expect(await page.innerText('section >> nth=0')).toContain('Sample The code 012345 was never sent');
    const frame = page.frameLocator('iframe').first();
    expect(await frame.locator('.code').textContent()).toBe('012345');
    expect(await frame.locator('body').innerText()).toContain(
      'This code was requested for minji@example.com.',
    );
    await page.click('summary >> nth=0');
    expect(await page.innerText('pre >> nth=0')).toContain(
      'This code expires in 3 minutes and can be used once.',
    );
  });

  it('have each language of the package, one at a time', async () => {
    const page = await visit();
    const links = page.locator('.preview-languages a');
    expect(await links.count()).toBe(15);
    for (const [tag, locale] of LANGUAGES) {
      await page.click(`.preview-languages a[lang="${tag}"]`);
      const email = page.frameLocator('iframe').first();
      expect(await email.locator('html').getAttribute('lang')).toBe(tag);
      expect(await email.locator('h1').textContent()).toBe(locale.mail.heading);
      expect(await page.locator('.preview-languages [aria-current]').getAttribute('lang')).toBe(tag);
    }
    // An unknown one is ignored.
    await page.goto(`${origin}/dev/previews?locale=../../package`);
    expect(await page.frameLocator('iframe').first().locator('html').getAttribute('lang')).toBe('en');
  });

  it.each([
    ['en-US', '', 320],
    ['en-US', '?locale=ar', 320],
    ['ko-KR', '', 320],
    ['ko-KR', '?locale=ja', 1100],
    ['en-US', '', 1100],
  ])('are accessible and never scroll sideways, in %s with "%s" at %i px', async (locale, path, width) => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await visit(path, { locale, colorScheme, viewport: { width, height: 4200 } });
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
      await screenshot(page, `previews-${locale}${path.replace('?locale=', '-')}-${width}-${colorScheme}`);
      expect(await accessibilityProblems(page)).toEqual([]);
    }
  });
});
