/** The sign-up when people do not do one thing after the other: reload, click twice, paste, go back, lose the connection. */
import { MemoryStore } from 'express-email-verification';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { until } from '../support/until.js';
import { accessibilityProblems, describeInBrowser, screenshot, useBrowser } from './browser.js';
import { useDemo } from './demo-server.js';
import {
  askForCode,
  createAccount,
  focused,
  PASSWORD,
  secondsOf,
  shownMessages,
  step,
  typeCode,
  wrong,
} from './steps.js';

const EMAIL = 'minji@example.com';
const ALREADY_SENT = 'We’ve already sent you a code, and it still works.';

describeInBrowser('the details of the sign-up', () => {
  const browser = useBrowser();
  const demo = useDemo();

  async function visit(options: BrowserContextOptions = {}, path = '/sign-up', server = {}) {
    const origin = await demo.start(server);
    const person = await browser.person({ permissions: ['clipboard-read', 'clipboard-write'], ...options });
    const page = await person.newPage();
    await page.goto(origin + path);
    return { origin, person, page };
  }

  /** A sign-up at the code step whose clocks, that of the store and that of the page, can be moved. */
  async function visitWithClock() {
    let passed = 0;
    const origin = await demo.start({ store: new MemoryStore({ clock: () => Date.now() + passed }) });
    const page = await (await browser.person()).newPage();
    await page.clock.install();
    await page.goto(origin);
    await askForCode(page, EMAIL);
    const pass = async (seconds: number) => {
      passed += seconds * 1000;
      await page.clock.fastForward(seconds * 1000);
    };
    return { page, pass };
  }

  const code = () => demo.mail.lastCode(EMAIL);
  const verifyButton = (page: Page) => page.locator('[data-step="code"] form:not(#resend) button');
  const resendButton = (page: Page) => page.locator('#resend button');
  const isMain = async (button: ReturnType<typeof resendButton>) =>
    !(await button.getAttribute('class'))?.includes('secondary');
  const text = (page: Page, selector: string) => page.locator(selector).innerText();

  async function paste(page: Page, clipboard: string): Promise<void> {
    await page.evaluate(`navigator.clipboard.writeText(${JSON.stringify(clipboard)})`);
    await page.focus('#code-code');
    await page.keyboard.press('Control+V');
  }

  async function useUpAttempts(page: Page): Promise<void> {
    const bad = wrong(await code());
    for (const left of ['4 attempts left', '3 attempts', '2 attempts', '1 attempt', 'request a new one']) {
      await typeCode(page, '');
      await typeCode(page, bad);
      await page.locator(`#code-code-error:has-text("${left}")`).waitFor();
    }
  }

  it.each(['/sign-up/code', '/sign-up/account'])('opened at %s, begins with the address', async (path) => {
    const { page } = await visit({}, path);
    await step(page, 'address');
    expect(new URL(page.url()).pathname).toBe('/sign-up');
    expect(await page.locator('h1:visible').allInnerTexts()).toEqual(['Create your account']);
    expect(await text(page, '#status')).toBe('');
  });

  it('shows no form before its script is ready, and then counts as usual', async () => {
    const { page } = await visit();
    let load = () => {};
    const loaded = new Promise<void>((resolve) => {
      load = resolve;
    });
    await page.route('**/client.mjs', async (route) => {
      await loaded;
      await route.continue();
    });
    await page.reload({ waitUntil: 'commit' });
    await page.locator('#loading').waitFor();
    expect(await page.locator('#form form:visible, [data-step]:visible').count()).toBe(0);
    load();
    await askForCode(page, EMAIL);
    expect(await page.locator('#loading').isVisible()).toBe(false);
    const before = await secondsOf(page, 'expires-in');
    await until('it counts', async () => (await secondsOf(page, 'expires-in')) < before);
  });

  it('says that it needs JavaScript where there is none', async () => {
    const { page } = await visit({ javaScriptEnabled: false });
    expect(await text(page, '#form')).toContain('This sign-up needs JavaScript.');
    expect(await page.locator('#form form:visible, #loading:visible').count()).toBe(0);
  });

  it('keeps the address when the page is reloaded after the code expired, and sends another code', async () => {
    const { page, pass } = await visitWithClock();
    expect(await isMain(verifyButton(page))).toBe(true);
    expect(await isMain(resendButton(page))).toBe(false);
    await pass(181);
    await page.locator('#expires-in:has-text("This code has expired. Please request a new one.")').waitFor();
    expect(await text(page, '#status')).toBe('This code has expired. Please request a new one.');
    await page.reload();
    await step(page, 'code');
    expect(await text(page, '#sent-to')).toContain(EMAIL);
    expect(await text(page, '#expires-in')).toBe('This code has expired. Please request a new one.');
    expect([await isMain(verifyButton(page)), await isMain(resendButton(page))]).toEqual([false, true]);
    expect(await accessibilityProblems(page)).toEqual([]);
    await screenshot(page, 'expired');
    await resendButton(page).click();
    await page.locator('#notice:has-text("We sent you a code")').waitFor();
    expect([await isMain(verifyButton(page)), await isMain(resendButton(page))]).toEqual([true, false]);
    expect(demo.mail.messages).toHaveLength(2);
  });

  it('says that the code has expired in place of what was wrong with the last attempt', async () => {
    const { page, pass } = await visitWithClock();
    await typeCode(page, wrong(await code()));
    await page.locator('#code-code-error:has-text("4 attempts left")').waitFor();
    await pass(181);
    await page.locator('#expires-in:visible:has-text("This code has expired.")').waitFor();
    expect(await page.getAttribute('#code-code', 'aria-invalid')).toBeNull();
    await page.keyboard.press('Enter');
    expect(await shownMessages(page)).toEqual(['This code has expired. Please request a new one.']);
  });

  it('makes the resend button the main one after the last attempt, and says what to do', async () => {
    const { page } = await visit();
    await askForCode(page, EMAIL);
    await useUpAttempts(page);
    expect([await isMain(verifyButton(page)), await isMain(resendButton(page))]).toEqual([false, true]);
    expect(await shownMessages(page)).toEqual(['The code is incorrect. Please request a new one.']);
    expect(await secondsOf(page, 'resend-in')).toBeGreaterThan(0);
    expect(await accessibilityProblems(page)).toEqual([]);
    await screenshot(page, 'last-attempt');
  });

  it('moves nothing when a message appears', async () => {
    const { page, pass } = await visitWithClock();
    const places = () =>
      Promise.all(
        ['#code-code', '[data-step="code"] form:not(#resend) button', '#resend button', '#resend-in'].map(
          async (selector) => (await page.locator(selector).boundingBox())?.y,
        ),
      );
    const before = await places();
    await typeCode(page, wrong(await code()));
    await shownMessages(page);
    expect(await places()).toEqual(before);
    await pass(60);
    await page.locator('#resend button:not([aria-disabled])').waitFor();
    const [input, verify, resend] = await places();
    expect([input, verify, resend]).toEqual(before.slice(0, 3));
    await resendButton(page).dblclick();
    await page.locator('#notice:visible').waitFor();
    expect((await places()).slice(0, 3)).toEqual(before.slice(0, 3));
    expect(demo.mail.messages).toHaveLength(2);
  });

  it('ignores the second click of a double click, which hits what the first one has put there', async () => {
    const { page } = await visit();
    await askForCode(page, EMAIL);
    await verifyButton(page).hover();
    await page.mouse.down({ clickCount: 2 });
    await page.mouse.up({ clickCount: 2 });
    await page.locator('a:has-text("Use a different email address")').hover();
    await page.mouse.down({ clickCount: 2 });
    await page.mouse.up({ clickCount: 2 });
    await typeCode(page, await code());
    await step(page, 'account');
  });

  it.each([
    ['en-US', ALREADY_SENT],
    ['ko-KR', '이미 보내 드린 인증번호를 사용하실 수 있습니다.'],
  ])('answers a second request calmly, with a countdown, in %s', async (locale, message) => {
    const { page } = await visit({ locale });
    await askForCode(page, EMAIL);
    await page.goBack();
    await step(page, 'address');
    await askForCode(page, EMAIL);
    expect(await shownMessages(page)).toEqual([message]);
    expect(await page.locator('[role="alert"]:visible').count()).toBe(0);
    expect(await page.title()).not.toMatch(/^(Error|오류)/);
    const before = await secondsOf(page, 'resend-in');
    await until('it counts', async () => (await secondsOf(page, 'resend-in')) < before);
    expect(await accessibilityProblems(page)).toEqual([]);
    await page.reload();
    await step(page, 'code');
    expect(await text(page, '#sent-to')).toContain(locale === 'en-US' ? 'We sent a code to' : '보냈습니다');
  });

  it('does not deny a code that was sent while the page was reloaded', async () => {
    const { page } = await visit();
    let respond = () => {};
    const reloaded = new Promise<void>((resolve) => {
      respond = resolve;
    });
    await page.route('**/send', async (route) => {
      const response = await route.fetch();
      await reloaded;
      await route.fulfill({ response }).catch(() => {});
    });
    await page.fill('#address-email', EMAIL);
    await page.keyboard.press('Enter');
    const sent = await code();
    await page.reload();
    respond();
    await page.unroute('**/send');
    await step(page, 'address');
    expect(await page.inputValue('#address-email')).toBe(EMAIL);
    await page.click('[data-step="address"] button');
    await step(page, 'code');
    expect(await text(page, '#form')).not.toMatch(/no (new )?code/i);
    expect(await shownMessages(page)).toEqual(['If you already have a code, enter it below.']);
    await typeCode(page, sent);
    await step(page, 'account');
  });

  it.each([
    ['in a sentence', (sent: string) => `Your code for Acme is ${sent}. It expires in 3 minutes.`],
    [
      'with the lines around it',
      (sent: string) => `Acme\n\n${sent.slice(0, 3)} ${sent.slice(3)}\n\n3 minutes`,
    ],
  ])('submits a code that was pasted %s over a wrong one', async (_name, words) => {
    const { page } = await visit();
    await askForCode(page, EMAIL);
    const sent = await code();
    await typeCode(page, wrong(sent));
    await shownMessages(page);
    await page.keyboard.press('End');
    await paste(page, words(sent));
    await step(page, 'account');
  });

  it('submits the new code when it is pasted after another was sent', async () => {
    const { page, pass } = await visitWithClock();
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    const first = await code();
    await typeCode(page, wrong(first));
    await shownMessages(page);
    await pass(60);
    await page.locator('#resend button:not([aria-disabled])').waitFor();
    await resendButton(page).click();
    await page.locator('#notice:visible').waitFor();
    await until('another email has arrived', () => demo.mail.messages.length === 2);
    await paste(page, await code());
    await step(page, 'account');
  });

  it('spends one attempt on a wrong code, also when Enter and a click follow its last digit', async () => {
    const { page } = await visit();
    await askForCode(page, EMAIL);
    const verified: string[] = [];
    page.on('request', (request) => void (request.url().endsWith('/verify') && verified.push(request.url())));
    const refusal = ['The code is incorrect. You have 4 attempts left.'];
    const right = await code();
    await typeCode(page, wrong(right));
    await page.keyboard.press('Enter');
    expect(await shownMessages(page)).toEqual(refusal);
    await page.keyboard.press('Enter');
    await verifyButton(page).click();
    expect(await shownMessages(page)).toEqual(refusal);
    expect(verified).toHaveLength(1);
    await typeCode(page, right);
    await step(page, 'account');
  });

  it('announces that it checks a code', async () => {
    const { page } = await visit();
    await askForCode(page, EMAIL);
    let verify = () => {};
    const announced = new Promise<void>((resolve) => {
      verify = resolve;
    });
    await page.route('**/verify', async (route) => {
      await announced;
      await route.continue();
    });
    await typeCode(page, await code());
    await page.locator('#status:has-text("Checking the code…")').waitFor({ state: 'attached' });
    verify();
    await step(page, 'account');
    expect(await text(page, '#status')).toBe('Your email address is verified.');
  });

  it('tells an outage, a refusal, and a limit apart', async () => {
    const { page } = await visit();
    const colors: string[] = [];
    for (const [status, reason, message] of [
      [503, 'unavailable', 'The service is not available right now. Please try again in a moment.'],
      [403, 'refused', 'This request was refused.'],
    ] as const) {
      const json = { ok: false, reason, message, retryAfter: 1 };
      await page.route('**/send', (route) => route.fulfill({ status, json }));
      await page.fill('#address-email', EMAIL);
      await page.keyboard.press('Enter');
      await page.locator(`#address-error:has-text("${message}")`).waitFor();
      colors.push(await page.evaluate(`getComputedStyle(document.getElementById('address-error')).color`));
      expect(await page.title()).toBe('Error: Create your account · Acme');
      expect(await accessibilityProblems(page)).toEqual([]);
      await screenshot(page, reason);
      await page.unroute('**/send');
    }
    expect(new Set(colors).size).toBe(2);
    await page.route('**/send', (route) => route.fulfill({ status: 502, body: 'Bad gateway' }));
    await page.keyboard.press('Enter');
    await page.locator('#address-error:has-text("Something went wrong.")').waitFor();
    const json = { ok: false, reason: 'too_many_requests', message: '', retryAfter: 3700 };
    await page.route('**/send', (route) => route.fulfill({ status: 429, json }));
    await page.keyboard.press('Enter');
    await step(page, 'code');
    expect(await page.locator('[role="alert"]:visible').count()).toBe(0);
    expect(await text(page, '#resend-in')).toMatch(/^You can request a new code in 01:01:\d\d\.$/);
  });

  it('tells a server that cannot be reached from a lost connection, until it can be reached', async () => {
    const { page, person } = await visit();
    await page.route('**/{send,icon.svg}', (route) => route.abort('connectionrefused'));
    await page.fill('#address-email', EMAIL);
    await page.keyboard.press('Enter');
    const unreachable = 'Our server can’t be reached. Your input is kept; please try again in a moment.';
    expect(await shownMessages(page)).toEqual([unreachable]);
    expect(await accessibilityProblems(page)).toEqual([]);
    await person.setOffline(true);
    await page.locator('#address-error:has-text("You seem to be offline.")').waitFor();
    await screenshot(page, 'offline');
    await person.setOffline(false);
    await page.locator(`#address-error:has-text("${unreachable}")`).waitFor();
    await page.unroute('**/{send,icon.svg}');
    await page.locator('#address-error').waitFor({ state: 'hidden' });
    expect(await text(page, '#status')).toBe('The connection is back. Please try again.');
    expect(await page.title()).toBe('Create your account · Acme');
    await page.keyboard.press('Enter');
    await step(page, 'code');
  });

  it('tries only once at a time whether the connection is back', async () => {
    const { page } = await visit();
    await page.clock.install();
    await page.reload();
    const [sent, tried]: [string[], string[]] = [[], []];
    await page.route('**/{send,icon.svg}', (route) => {
      const request = route.request();
      // It waits for the answer to one try before the next one.
      if (request.method() === 'HEAD') return void tried.push(request.url());
      sent.push(request.url());
      return route.abort('connectionrefused');
    });
    await page.fill('#address-email', EMAIL);
    for (const times of [1, 2, 3]) {
      await page.keyboard.press('Enter');
      await until('it is sent', () => sent.length === times);
      await page.locator('form:not([aria-busy]) #address-error:not(:empty)').waitFor();
    }
    await page.clock.runFor(10_000);
    await page.evaluate(`fetch('/assets/style.css')`);
    await until('it is tried', () => tried.length > 0);
    expect(tried).toHaveLength(1);
  });

  it.each([
    ['en-US', 'The account may already exist.', 'Sign in'],
    ['ko-KR', '이미 가입되었을 수 있습니다.', '로그인'],
  ])(
    'says that the account may exist when the answer to the sign-up was lost, in %s',
    async (locale, words, link) => {
      const { page } = await visit({ locale });
      await askForCode(page, EMAIL);
      await typeCode(page, await code());
      await step(page, 'account');
      let created = false;
      await page.route('**/sign-up', async (route) => {
        if (route.request().method() !== 'POST') return route.continue();
        created = (await route.fetch()).status() === 201;
        await route.abort('connectionreset');
      });
      await page.fill('#account-name', 'Minji');
      await page.fill('#account-password', PASSWORD);
      await page.keyboard.press('Enter');
      await shownMessages(page);
      expect(created).toBe(true);
      await page.unroute('**/sign-up');
      await page.reload();
      await step(page, 'account');
      await page.fill('#account-password', PASSWORD);
      await page.keyboard.press('Enter');
      await step(page, 'address');
      expect((await shownMessages(page))[0]).toContain(words);
      expect(await page.inputValue('#address-email')).toBe(EMAIL);
      expect(await accessibilityProblems(page)).toEqual([]);
      await screenshot(page, `unanswered-${locale}`);
      await page.locator('#address-error').getByRole('link', { name: link }).click();
      await page.waitForURL('**/sign-in');
      await page.fill('#sign-in-email', EMAIL);
      await page.fill('#sign-in-password', PASSWORD);
      await page.keyboard.press('Enter');
      await page.waitForURL('**/welcome');
    },
  );

  it('keeps what was typed when the language is switched', async () => {
    const { page } = await visit();
    await page.fill('#address-email', 'minji@exam');
    await page.click('a[hreflang="ko"]');
    await page.locator('html[lang="ko"]').waitFor();
    await step(page, 'address');
    expect(await page.inputValue('#address-email')).toBe('minji@exam');
    await askForCode(page, EMAIL);
    await typeCode(page, await code());
    await step(page, 'account');
    await page.fill('#account-name', 'Min');
    await page.click('a[hreflang="en"]');
    await page.locator('html[lang="en"]').waitFor();
    await step(page, 'account');
    expect(await page.inputValue('#account-name')).toBe('Min');
  });

  it('shows a password manager which address the new password is for', async () => {
    const { page } = await visit();
    await askForCode(page, EMAIL);
    await typeCode(page, await code());
    await step(page, 'account');
    const address = page.locator('[data-step="account"] [autocomplete="username"]');
    expect(await address.isVisible()).toBe(true);
    expect(await address.isEditable()).toBe(false);
    expect(await address.inputValue()).toBe(EMAIL);
  });

  it('does not show the account again when a person goes back after signing out', async () => {
    const { page } = await visit();
    await askForCode(page, EMAIL);
    await typeCode(page, await code());
    await step(page, 'account');
    await createAccount(page);
    const response = page.waitForResponse('**/sign-out');
    await page.click('form[action="/sign-out"] button');
    await page.waitForURL('**/sign-in');
    expect(await (await response).headerValue('clear-site-data')).toBe('"cache"');
    await page.goBack();
    await page.waitForURL('**/sign-in');
    expect(await text(page, 'body')).not.toContain(EMAIL);
    // A browser that kept the page in memory shows it, and its script loads it again.
    const reloaded = page.waitForRequest('**/sign-in');
    await page.evaluate(`dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))`);
    await reloaded;
  });

  it('takes a code from the inbox and from the tools of a developer, at the code step only', async () => {
    const { page, origin, person } = await visit();
    await page.evaluate(
      `document.addEventListener('step', ({ detail }) => console.log(JSON.stringify(detail)))`,
    );
    const steps: string[] = [];
    page.on('console', (line) => line.type() === 'log' && steps.push(line.text()));
    await askForCode(page, EMAIL);
    const sent = await code();
    const inbox = await person.newPage();
    await inbox.goto(`${origin}/nowhere`);
    const offer = (offered: string, code: string) =>
      inbox.evaluate(`globalThis.channel?.close();
        channel = new BroadcastChannel('email-verification-demo');
        channel.onmessage = ({ data }) => channel.postMessage({ to: data.wanted, code: '${code}' });
        channel.postMessage({ offered: '${offered}' });`);
    await offer('jun@example.com', '111111');
    await offer(EMAIL, wrong(sent));
    expect(await shownMessages(page)).toEqual(['The code is incorrect. You have 4 attempts left.']);
    await page.evaluate(`document.dispatchEvent(new CustomEvent('use-code', { detail: '${sent}' }))`);
    await step(page, 'account');
    expect(steps.map((line) => JSON.parse(line))).toEqual([
      { step: 'code', email: EMAIL },
      { step: 'account', email: EMAIL },
    ]);
    await offer(EMAIL, sent);
    await page.fill('#account-password', PASSWORD);
    expect(await focused(page)).toBe('account-password');
  });

  it('verifies a code once for each press of Enter, however long it is held', async () => {
    const { page } = await visit();
    await askForCode(page, EMAIL);
    let requests = 0;
    await page.route('**/verify', (route) => {
      requests += 1;
      return route.fulfill({
        status: 503,
        json: { ok: false, reason: 'unavailable', message: 'Later', retryAfter: 1 },
      });
    });
    await typeCode(page, await code());
    await page.locator('#code-error:has-text("Later")').waitFor();
    for (let presses = 1; presses <= 2; presses += 1) {
      for (let i = 0; i < 5; i += 1) {
        await page.keyboard.down('Enter');
        await page.locator('#code-error:has-text("Later")').waitFor();
      }
      await page.keyboard.up('Enter');
      expect(requests).toBe(1 + presses);
    }
  });

  it('keeps the error when the skip link is used, and opens a step in a tab of its own', async () => {
    const { page, person } = await visit();
    await askForCode(page, EMAIL);
    await typeCode(page, wrong(await code()));
    const error = await shownMessages(page);
    await page.focus('.skip-link');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/sign-up/code#form');
    expect(await shownMessages(page)).toEqual(error);
    const opened = person.waitForEvent('page');
    await page.click('[data-step="code"] a[href="/sign-up"]', { modifiers: ['ControlOrMeta'] });
    await step(await opened, 'address');
    expect(await shownMessages(page)).toEqual(error);
  });

  it('says whether it copied, and then what the button does', async () => {
    const { page, person } = await visit();
    const errors: Error[] = [];
    page.on('pageerror', (error) => errors.push(error));
    await page.clock.install();
    const button = page.locator('#intro [data-copy]');
    await button.click();
    await page.locator('#status:has-text("Copied")').waitFor({ state: 'attached' });
    await button.click();
    await page.clock.runFor(5000);
    expect(await button.innerText()).toBe('Copy');
    await page.evaluate(`navigator.clipboard.writeText = () => Promise.reject(new Error('Denied'))`);
    await button.click();
    await page.locator('#intro [data-copy]:has-text("Couldn’t copy")').waitFor();
    expect(await text(page, '#status')).toBe('Couldn’t copy');
    expect(errors).toEqual([]);
    await person.close();
  });

  const fill = (record: string) =>
    `for (const key of ['story', 'email-verification:/email-verification']) sessionStorage.setItem(key, '${record}')`;

  it.each([
    ['blocked', `Object.defineProperty(window, 'sessionStorage', { get() { throw new Error('Blocked'); } })`],
    ['full', `Storage.prototype.setItem = () => { throw new Error('Full'); }`],
    ['full of rubbish', fill('{')],
    ['full of records of another shape', fill('[null, 1, {}]')],
  ])('needs no storage: one that is %s changes nothing on the page', async (_name, script) => {
    const { page, person } = await visit();
    const errors: string[] = [];
    page.on('pageerror', ({ message }) => errors.push(message));
    await person.addInitScript(script);
    await page.reload();
    await askForCode(page, EMAIL);
    await typeCode(page, await code());
    await step(page, 'account');
    await createAccount(page);
    await page.waitForLoadState('networkidle');
    expect(errors).toEqual([]);
  });
});
