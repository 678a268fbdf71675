/** "What just happened" in a browser: the panel of a sign-up, the email that arrives on the page, and the receipt. */
import type { BrowserContextOptions, Page } from 'playwright-core';
import { en, ko } from '../../demo-app/site/site.js';
import { until } from '../support/until.js';
import { accessibilityProblems, describeInBrowser, screenshot, useBrowser } from './browser.js';
import { useDemo } from './demo-server.js';
import { askForCode, createAccount, PASSWORD, step, titleBecomes, wrong } from './steps.js';

const EMAIL = 'minji@example.com';

describeInBrowser('what just happened', () => {
  const browser = useBrowser();
  const demo = useDemo();

  async function visit(options: BrowserContextOptions = {}) {
    const origin = await demo.start();
    const person = await browser.person({ viewport: { width: 1280, height: 900 }, ...options });
    const page = await person.newPage();
    const errors: string[] = [];
    page.on('pageerror', ({ message }) => errors.push(message));
    page.on('console', (message) => /Content.Security/i.test(message.text()) && errors.push(message.text()));
    const connected = page.waitForResponse('**/dev/events');
    await page.goto(`${origin}/sign-up`);
    await connected;
    return { page, person, origin, errors };
  }

  const rows = (page: Page) => page.locator('#timeline > details');
  const summaries = async (page: Page) =>
    (await rows(page).locator('summary').allTextContents()).map((text) =>
      text.replace(/[\d,]+ ?ms/, 'ms').trim(),
    );
  const has = (page: Page, text: string) =>
    rows(page).locator('summary', { hasText: text }).first().waitFor();
  const fact = (page: Page, name: string) => page.locator(`[data-fact="${name}"]`).textContent();
  const isWider = 'document.documentElement.scrollWidth > document.documentElement.clientWidth';

  it.each([
    ['en-US', en],
    ['ko-KR', ko],
  ])('shows a whole sign-up, in %s', async (locale, t) => {
    const { page, errors } = await visit({ locale });
    const { events, fields, ...texts } = t.panel;
    await page.getByText(t.panel.empty).waitFor();
    await askForCode(page, EMAIL);
    await has(page, events.delivered);
    await page.locator('#redis summary', { hasText: texts.own }).nth(1).waitFor();
    expect(await fact(page, 'attemptsLeft')).toBe('5');
    await page.fill('#code-code', wrong(await demo.mail.lastCode(EMAIL)));
    await until('an attempt is taken', async () => (await fact(page, 'attemptsLeft')) === '4');
    await page.click('#use-code');
    await step(page, 'account');
    await until('the token is there', async () => (await fact(page, 'tokens')) === '1');
    expect((await summaries(page)).reverse()).toEqual([
      expect.stringMatching(/^POST \/email-verification\/send\s+200 · ms$/),
      expect.stringContaining(`${events.delivered} ${demo.mail.messages[0]?.subject}`),
      expect.stringMatching(/^POST \/email-verification\/verify\s+401 · ms$/),
      expect.stringMatching(/^POST \/email-verification\/verify\s+200 · ms$/),
    ]);

    // Each row opens to its body, its answer, and the lines of app.ts.
    const [verify] = await rows(page).all();
    await verify?.locator('summary').click();
    const opened = (await verify?.innerText()) ?? '';
    for (const text of [texts.parts.request, `"email": "${EMAIL}"`, texts.parts.response, '"verify": true'])
      expect(opened).toContain(text);
    expect(opened).toMatch(/app\.ts:\d+\n+app\.use\('\/email-verification'/);
    await rows(page).nth(2).locator('summary').click();
    await page
      .getByText(/^const verification = createEmailVerification/)
      .first()
      .waitFor();
    for (const key of await page.locator('#redis summary').all()) await key.click();
    await page.getByText(fields.t).waitFor();
    await screenshot(page, `panel-${locale}`);
    expect(await accessibilityProblems(page)).toEqual([]);

    await createAccount(page);
    await page.getByText(t.receipt.allUsed).waitFor();
    const receipt = (await page.innerText('#receipt')) ?? '';
    for (const path of ['send', 'verify']) expect(receipt).toContain(`POST /email-verification/${path} 200`);
    expect(receipt).toContain('POST /sign-up 201');
    expect(receipt).toContain(`Minji, ${EMAIL}`);
    expect(receipt).toContain(demo.mail.messages[0]?.subject);
    expect(await page.innerText('#receipt-redis')).toMatch(/^[1-9]\d+ ?(bytes|바이트)/);
    await screenshot(page, `receipt-${locale}`);
    expect(await accessibilityProblems(page)).toEqual([]);
    expect(await page.evaluate('JSON.stringify(sessionStorage)')).not.toContain(PASSWORD);
    expect(errors).toEqual([]);
  });

  it('tells the operator, and not the client, that an address has an account', async () => {
    const { page, origin } = await visit();
    await askForCode(page, EMAIL);
    await page.click('#use-code');
    await step(page, 'account');
    await createAccount(page);
    await page.click('form[action="/sign-out"] button');
    await page.goto(`${origin}/sign-up`);
    await page.getByText(en.panel.empty).waitFor();
    await demo.redis.flush();
    await askForCode(page, EMAIL);
    await has(page, en.panel.events.suppressed);
    expect(await rows(page).locator('mark').allTextContents()).toEqual([en.panel.operatorOnly]);
    await page.locator('#timeline summary', { hasText: en.panel.events.suppressed }).click();
    await page.getByText(/^beforeSend:/m).waitFor();
  });

  it.each(['Minji@메일.한국', 'minji@XN--h32bq4v.xn--3e0b707e'])('knows its address as %s', async (email) => {
    const { page } = await visit();
    await askForCode(page, email);
    await has(page, en.panel.events.delivered);
    await page.click('#use-code');
    await step(page, 'account');
    await createAccount(page);
    await page.getByText(en.receipt.allUsed).waitFor();
  });

  it('shows the events of its own address only, and survives a reload', async () => {
    const { page, origin } = await visit();
    await askForCode(page, EMAIL);
    await has(page, en.panel.events.delivered);
    await page.request.post(`${origin}/email-verification/send`, { data: { email: 'jun@example.com' } });
    await demo.mail.lastCode('jun@example.com');
    await page.request.post(`${origin}/email-verification/send`, { data: { email: EMAIL } });
    await has(page, en.panel.events.limited);
    // An open row stays open, and keeps the focus, while others come.
    await rows(page).last().locator('summary').press('Enter');
    for (const _ of [2, 3])
      await page.request.post(`${origin}/email-verification/send`, { data: { email: EMAIL } });
    await has(page, `${en.panel.events.limited} mailbox ×3`);
    expect(await page.evaluate('document.activeElement.parentElement.open')).toBe(true);
    expect(await rows(page).locator('nth=-1').getAttribute('open')).toBe('');
    const before = await summaries(page);
    expect(before).toHaveLength(3);
    await page.reload();
    await step(page, 'code');
    await rows(page).nth(2).waitFor();
    expect(await summaries(page)).toEqual(before);
    await page.locator('#redis summary', { hasText: en.panel.own }).first().waitFor();
  });

  it('shows the lines of the guard when the token is used up', async () => {
    const { page } = await visit();
    await page.route('**/welcome', (route) => route.fulfill({ status: 204 }));
    await askForCode(page, EMAIL);
    await page.click('#use-code');
    await step(page, 'account');
    await page.fill('#account-name', 'Minji');
    await page.fill('#account-password', PASSWORD);
    await page.click('[data-step="account"] form button');
    await has(page, 'POST /sign-up');
    await page.locator('#timeline summary', { hasText: en.panel.events.redeemed }).click();
    await page
      .getByText(/^app\.post\('\/sign-up', .*requireVerifiedEmail\(verification\)/m)
      .first()
      .waitFor();
    await page.locator('#timeline summary', { hasText: 'POST /sign-up' }).click();
    await page.getByText('"password": "•••"').waitFor();
  });

  it('says that Redis does not respond, and recovers', async () => {
    const { page } = await visit();
    demo.redis.server.pause();
    await page.evaluate('document.dispatchEvent(new CustomEvent("connected"))');
    await page.getByText(en.panel.unavailable, { exact: true }).waitFor();
    demo.redis.server.resume();
    await askForCode(page, EMAIL);
    await page.locator('#redis summary').first().waitFor();
  });

  it('shows an email in the title of a tab that nobody looks at, until somebody does', async () => {
    const { page, person } = await visit();
    // Playwright gives every page the focus.
    await page.evaluate('document.hasFocus = () => false');
    await askForCode(page, EMAIL);
    await titleBecomes(page, 'New email: Check your email · Acme');
    // The page changes its title each second.
    await page.evaluate('document.title = "Check your email · Acme"');
    await titleBecomes(page, 'New email: Check your email · Acme');
    await page.evaluate('dispatchEvent(new Event("focus"))');
    await titleBecomes(page, 'Check your email · Acme');
    await person.close();
  });

  it('lets the inbox fill in the code in another tab, and say so', async () => {
    const { page, person, origin } = await visit();
    await askForCode(page, EMAIL);
    const inbox = await person.newPage();
    await inbox.goto(`${origin}/inbox`);
    await inbox.click('[data-use]');
    await inbox.getByText(en.inbox.script.used).waitFor();
    await step(page, 'account');
    // Nobody waits for it any more.
    await inbox.click('[data-use]');
    await inbox.getByText(en.inbox.script.notUsed).waitFor();
  });

  it('lets one tab take the code from the inbox when two wait for it', async () => {
    const { page, person, origin } = await visit();
    const other = await person.newPage();
    await other.goto(`${origin}/sign-up`);
    const tabs = [page, other];
    const verified: string[] = [];
    for (const tab of tabs) {
      tab.on('request', (request) => void (/verify$/.test(request.url()) && verified.push(request.url())));
      await askForCode(tab, EMAIL);
    }
    const inbox = await person.newPage();
    await inbox.goto(`${origin}/inbox`);
    await inbox.click('[data-use]');
    await inbox.getByText(en.inbox.script.used).waitFor();
    const waiting = () => Promise.all(tabs.map((tab) => tab.locator('#code-code').isVisible()));
    await until('one has taken it', async () => (await waiting()).includes(false));
    expect((await waiting()).sort()).toEqual([false, true]);
    const values = await Promise.all(tabs.map((tab) => tab.inputValue('#code-code')));
    expect(values).toContain('');
    expect(verified).toHaveLength(1);
  });

  it('is a drawer on a phone, and the email slides in at its lower edge', async () => {
    const { page } = await visit({
      viewport: { width: 320, height: 640 },
      colorScheme: 'dark',
      hasTouch: true,
    });
    expect(await page.locator('#panel').isVisible()).toBe(false);
    await askForCode(page, EMAIL);
    const message = page.locator('#new-email');
    const bottom = (box = { y: Infinity, height: 0 }) => box.y + box.height;
    await until('it has slid in', async () => bottom((await message.boundingBox()) ?? undefined) <= 640);
    // It covers neither the brand nor the languages.
    for (const link of await page.locator('.site-header a').all()) await link.click({ trial: true });
    await screenshot(page, 'panel-email-320-dark');
    await page.getByRole('button', { name: en.panel.title }).press('Enter');
    await page.locator('#panel').waitFor();
    expect(await page.evaluate(isWider)).toBe(false);
    await screenshot(page, 'panel-drawer-320-dark');
    expect(await accessibilityProblems(page)).toEqual([]);
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe(en.panel.close);
    await page.keyboard.press('Escape');
    expect(await page.locator('#panel').isVisible()).toBe(false);
    expect(await page.evaluate('document.activeElement.textContent')).toBe(en.panel.title);
  });

  it('does not move for people who prefer reduced motion', async () => {
    const { page } = await visit({ reducedMotion: 'reduce' });
    await askForCode(page, EMAIL);
    await page.locator('#new-email').waitFor();
    expect(await page.evaluate('document.getElementById("new-email").getAnimations().length')).toBe(0);
  });
});
