/** The sign-in in a browser, and what people see when it is refused or slow. */
import type { BrowserContextOptions, Page } from 'playwright-core';
import { until } from '../support/until.js';
import { describeInBrowser, useBrowser } from './browser.js';
import { useDemo } from './demo-server.js';
import { focused, shownMessages } from './steps.js';

const EMAIL = 'minji@example.com';
const REFUSED = 'Incorrect email address or password. Please try again.';

describeInBrowser('the sign-in', () => {
  const browser = useBrowser();
  const demo = useDemo();

  async function visit(options: BrowserContextOptions = {}): Promise<Page> {
    const origin = await demo.start();
    const page = await (await browser.person(options)).newPage();
    await page.goto(`${origin}/sign-in`);
    return page;
  }

  async function fail(page: Page): Promise<void> {
    await page.fill('#sign-in-email', EMAIL);
    await page.fill('#sign-in-password', 'not this one');
    await page.keyboard.press('Enter');
    await shownMessages(page);
  }

  it('focuses the password after a refusal, so that another one can be typed immediately', async () => {
    const page = await visit();
    await page.fill('#sign-in-email', EMAIL);
    await page.fill('#sign-in-password', 'not this one');
    await page.click('#form button');
    expect(await shownMessages(page)).toEqual([REFUSED]);
    expect(await focused(page)).toBe('sign-in-password');
    await page.keyboard.type('another');
    expect(await page.inputValue('#sign-in-password')).toBe('another');
    expect(await page.inputValue('#sign-in-email')).toBe(EMAIL);
  });

  it('focuses the password without a script too', async () => {
    const page = await visit({ javaScriptEnabled: false });
    expect(await page.getAttribute('[autofocus]', 'id')).toBe('sign-in-email');
    await fail(page);
    expect(await page.getAttribute('[autofocus]', 'id')).toBe('sign-in-password');
    await page.keyboard.type('another');
    expect(await page.inputValue('#sign-in-password')).toBe('another');
    expect(await page.getAttribute('#sign-in-password', 'aria-describedby')).toContain('form-error');
  });

  it.each([
    ['en-US', 'Error: Sign in · Acme', 'Please wait…'],
    ['ko-KR', '오류: 로그인 · Acme', '잠시만 기다려 주세요…'],
  ])('shows that it is busy, and in the title that it was refused, in %s', async (locale, title, busy) => {
    const page = await visit({ locale });
    await fail(page);
    expect(await page.title()).toBe(title);

    let answer = () => {};
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    await page.route('**/sign-in', async (route) => {
      await answered;
      await route.continue();
    });
    await page.fill('#sign-in-password', 'another');
    // Locators would wait for the navigation to end.
    await page.evaluate(`new MutationObserver(([{ target }]) => console.log(target.textContent))
      .observe(document.querySelector('#form button'), { childList: true })`);
    const shown = page.waitForEvent('console', { predicate: (line) => line.text() === busy });
    await page.keyboard.press('Enter');
    await shown;
    answer();
    await page.locator('#sign-in-password:focus:invalid').waitFor();
    expect(await page.title()).toBe(title);
  });

  it('sends one request while Enter is held and the server is slow, and can be submitted again later', async () => {
    const page = await visit();
    await page.clock.install();
    let requests = 0;
    await page.route('**/sign-in', (route) => {
      requests += 1;
      // The server never responds, and the person stops waiting.
      return route.request().method() === 'POST' ? route.abort('aborted') : route.continue();
    });
    await page.fill('#sign-in-email', EMAIL);
    await page.fill('#sign-in-password', 'not this one');
    for (let i = 0; i < 20; i += 1) await page.keyboard.down('Enter');
    await page.keyboard.up('Enter');
    for (let i = 0; i < 3; i += 1) await page.keyboard.press('Enter');
    await page.clock.runFor(1000);
    await page.locator('#form button:has-text("Please wait…")').waitFor();
    expect(requests).toBe(1);
    await page.clock.runFor(10_000);
    await page.locator('#form button:has-text("Sign in")').waitFor();
    await page.keyboard.press('Enter');
    await until('another request is sent', () => requests === 2);
  });
});
