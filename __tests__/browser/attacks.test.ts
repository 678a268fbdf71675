/** "Try to break it" in a browser: each button, what it shows, and the clock of the page. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { RedisStore } from 'express-email-verification';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { openAccounts } from '../../demo-app/accounts/accounts.js';
import { createSessions } from '../../demo-app/accounts/sign-in.js';
import { createApp } from '../../demo-app/app.js';
import { leaveToInbox } from '../../demo-app/dev/attackers.js';
import { createClock } from '../../demo-app/dev/clock.js';
import { createEventStreams } from '../../demo-app/dev/event-streams.js';
import { codeIn } from '../../demo-app/dev/inbox.js';
import { type MailServer, startMailServer } from '../../demo-app/dev/mail-server.js';
import { mountTools } from '../../demo-app/dev/tools.js';
import { en, ko } from '../../demo-app/site/site.js';
import { FROM, SECRET } from '../support/app.js';
import { freePort } from '../support/free-port.js';
import { useRedis } from '../support/redis.js';
import { until } from '../support/until.js';
import { accessibilityProblems, describeInBrowser, screenshot, useBrowser } from './browser.js';
import { askForCode, secondsOf, step, typeCode } from './steps.js';

const NAMES = ['guesses', 'race', 'stranger', 'token', 'known', 'redis', 'smtp'] as const;

describeInBrowser('the attacks', () => {
  const browser = useBrowser();
  const redis = useRedis();
  const closing: (() => unknown)[] = [];
  let tools: Record<string, unknown> = {};
  let mail: MailServer;
  let origin = '';

  beforeAll(async () => {
    mail = await startMailServer({ accept: leaveToInbox });
    const port = await freePort();
    origin = `http://localhost:${port}`;
    const accounts = openAccounts();
    const clock = createClock();
    const store = new RedisStore(redis.client, { clock: clock.now });
    const { app, verification } = createApp({
      origin,
      accounts,
      sessions: createSessions({ secret: SECRET, secure: false }),
      emailVerification: { store, storeTimeout: 2000, transport: mail.url, from: FROM, secret: SECRET },
      mountDevelopmentTools(site, verification) {
        const servers = { redis: redis.client, redisServer: redis.server, mailServer: mail };
        const parts = { ...servers, accounts, store, clock, streams: createEventStreams(), timeout: 60_000 };
        mountTools({ ...parts, settings: { origin, from: FROM } })(site, verification);
        tools = site.locals['tools'];
      },
    });
    const server = createServer(app);
    await once(server.listen(port, 'localhost'), 'listening');
    closing.push(
      () => mail.close(),
      () => accounts.close(),
      () => verification.close(),
    );
    closing.push(
      () => server.close(),
      () => server.closeAllConnections(),
    );
  });
  afterAll(async () => {
    for (const close of closing.reverse()) await close();
  });

  async function open(options: BrowserContextOptions = {}): Promise<Page> {
    const page = await (await browser.person(options)).newPage();
    await page.goto(`${origin}/sign-up`);
    await step(page, 'address');
    return page;
  }

  async function codeFor(email: string): Promise<string> {
    const find = () => mail.messages.findLast(({ envelope }) => envelope.to.includes(email));
    await until('the code arrives', () => find() !== undefined);
    return codeIn(find() ?? { text: '' }) ?? '';
  }

  const form = (page: Page, path: string) => page.locator(`form[action="/dev/${path}"]`);
  const press = (page: Page, path: string) => form(page, path).getByRole('button').click();

  it.each([
    ['en', 'en-US', 'light', en],
    ['ko', 'ko-KR', 'dark', ko],
  ] as const)('show what they found, in %s', async (language, locale, colorScheme, t) => {
    const email = `${language}@example.com`;
    const page = await open({ locale, colorScheme });
    await askForCode(page, email);
    expect((await page.locator('.verdict').allTextContents()).join('')).toBe('');
    for (const name of NAMES) {
      await press(page, `attacks/${name}`);
      const verdict = form(page, `attacks/${name}`).locator('+ .verdict[data-held]');
      await verdict.waitFor();
      const [held = '', , yours = held] = t.attacks[`${name}Verdict`].split(' | ');
      const numbers = '\\d+';
      expect(await verdict.textContent()).toMatch(new RegExp(`^${yours.replace(/\{\d\}/g, numbers)}$`));
      const table = form(page, `attacks/${name}`).locator('~ table');
      const labels = await table.locator('th:first-child').allTextContents();
      const [, ...known] = t.attacks[name].split(' | ');
      expect(known).toEqual(expect.arrayContaining(labels));
      expect(labels.length).toBeGreaterThanOrEqual(known.length - 1);
      expect(await table.locator('tr:last-child td').allTextContents()).not.toContain('');
    }
    const compared = form(page, 'attacks/guesses').locator('~ table tr:nth-child(3) td');
    expect(await compared.allTextContents()).toEqual(['5', '200']);
    expect(await accessibilityProblems(page)).toEqual([]);
    expect(await page.locator('#attacks output').textContent()).toMatch(
      language === 'ko' ? /^\+\d+초$/ : /^\+\d+ sec$/,
    );
    await screenshot(page, `attacks-${language}`);
    await page.setViewportSize({ width: 320, height: 640 });
    const cut =
      "[...document.querySelectorAll('.attack')].filter((one) => one.scrollWidth > one.clientWidth).length";
    expect(await page.evaluate(cut)).toBe(0);
    await typeCode(page, await codeFor(email));
    await step(page, 'account');
  });

  it('are not offered without the servers that the demo starts', async () => {
    const { attacks } = tools;
    tools['attacks'] = NAMES.map((name) => ({ name, missing: name === 'redis' ? 'redis' : 'smtp' }));
    const page = await open();
    tools['attacks'] = attacks;
    for (const name of NAMES)
      expect(await form(page, `attacks/${name}`).getByRole('button').isDisabled()).toBe(true);
    const reason = page.locator(
      `#${await form(page, 'attacks/redis').getByRole('button').getAttribute('aria-describedby')}`,
    );
    expect(await reason.textContent()).toBe(en.attacks.missing.split(' | ')[0]);
    expect(await accessibilityProblems(page)).toEqual([]);
  });

  it('keep the sign-up from asking a Redis that does not respond', async () => {
    const page = await open();
    await press(page, 'attacks/redis');
    await page.locator('#form [inert]').waitFor();
    await form(page, 'attacks/redis').locator('+ .verdict[data-held="true"]').waitFor();
    await askForCode(page, 'after@example.com');
  });

  it('come with a clock that the page follows', async () => {
    const page = await open();
    await askForCode(page, 'clock@example.com');
    expect(await secondsOf(page, 'expires-in')).toBeGreaterThan(120);
    const other = await page.context().newPage();
    const connected = other.waitForResponse('**/dev/events');
    await other.goto(`${origin}/sign-up`);
    await connected;
    await press(page, 'clock/minute');
    await page.getByText(en.clockDone.minute).waitFor();
    await until('a minute passes', async () => (await secondsOf(page, 'expires-in')) <= 120);
    const shown = await page.locator('#attacks output').textContent();
    await other.locator('#attacks output', { hasText: shown ?? '-' }).waitFor();
    await page.reload();
    await step(page, 'code');
    expect(await secondsOf(page, 'expires-in')).toBeLessThanOrEqual(120);
    expect(await page.locator('#attacks output').textContent()).toBe(shown);
    await press(page, 'clock/expire');
    await page.locator('#expires-in').getByText(en.code.expired).waitFor();
    await page.getByText(en.clockDone.expire).waitFor();
    await press(page, 'clock/expire');
    await page.getByText(en.clockDone.noCode).waitFor();
  });

  it('are run by the second click of a double click as well, because they stay where they are', async () => {
    const page = await open();
    const offset = async () =>
      Number.parseInt((await page.locator('#attacks output').innerText()).slice(1), 10);
    const before = await offset();
    await form(page, 'clock/minute').getByRole('button').hover();
    for (const clickCount of [1, 2]) {
      await page.mouse.down({ clickCount });
      await page.mouse.up({ clickCount });
      await until('the clock moves', async () => (await offset()) === before + 60 * clickCount);
      await form(page, 'clock/minute').and(page.locator(':not([aria-busy])')).waitFor();
    }
  });

  it('come with a button that resets the limits and keeps the code', async () => {
    const page = await open();
    await askForCode(page, 'limits@example.com');
    const resend = page.locator('#resend button');
    expect(await resend.getAttribute('aria-disabled')).toBe('true');
    await press(page, 'clock/limits');
    await until(
      'another code can be sent',
      async () => (await resend.getAttribute('aria-disabled')) === null,
    );
    const code = await codeFor('limits@example.com');
    expect(await page.locator('#new-email-code:visible').textContent()).toBe(code);
    await resend.click();
    await until('it is sent', async () => (await codeFor('limits@example.com')) !== code);
    await page.getByText(en.clockDone.limits).waitFor();
    await typeCode(page, code);
    await step(page, 'account');
    await page.fill('#account-password', 'four words');
    await press(page, 'clock/limits');
    await page.getByText(en.clockDone.limits).waitFor();
    expect(await page.inputValue('#account-password')).toBe('four words');
  });

  it('keep the step of the code when the limits are reset after a refused request', async () => {
    const page = await open();
    await page.request.post(`${origin}/email-verification/send`, { data: { email: 'refused@example.com' } });
    await askForCode(page, 'refused@example.com');
    await press(page, 'clock/limits');
    await page.getByText(en.clockDone.limits).waitFor();
    await step(page, 'code');
  });
});
