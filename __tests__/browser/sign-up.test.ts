/** The sign-up in a browser: how people complete it, and what they see when something goes wrong. */
import { MemoryStore, RedisStore } from 'express-email-verification';
import { startRawSmtpServer } from '../support/raw-smtp-server.js';
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
  titleBecomes,
  typeCode,
  wrong,
} from './steps.js';

const EMAIL = 'minji@example.com';

describeInBrowser('the sign-up', () => {
  const browser = useBrowser();
  const demo = useDemo();

  async function visit(options: Parameters<typeof browser.person>[0] = {}, path = '/') {
    const origin = await demo.start();
    const person = await browser.person(options);
    const page = await person.newPage();
    await page.goto(origin + path);
    return { origin, person, page };
  }

  const code = () => demo.mail.lastCode(EMAIL);

  describe.each([
    ['en', { locale: 'en-US', colorScheme: 'light' as const }],
    ['ko', { locale: 'ko-KR', colorScheme: 'dark' as const }],
    [
      'en-phone',
      {
        locale: 'en-GB',
        colorScheme: 'dark' as const,
        viewport: { width: 390, height: 844 },
        hasTouch: true,
      },
    ],
    [
      'ko-phone',
      {
        locale: 'ko-KR',
        colorScheme: 'light' as const,
        viewport: { width: 390, height: 844 },
        hasTouch: true,
      },
    ],
  ])('%s', (name, options) => {
    it('leads from the address to the account, on accessible pages', async () => {
      const { page, origin } = await visit(options);
      const check = async (shot: string) => {
        await screenshot(page, `${name}-${shot}`);
        expect(await accessibilityProblems(page)).toEqual([]);
        const isWider = 'document.documentElement.scrollWidth > document.documentElement.clientWidth';
        expect(await page.evaluate(isWider)).toBe(false);
      };

      expect(await page.getAttribute('html', 'lang')).toBe(name.slice(0, 2));
      expect(await focused(page)).toBe('address-email');
      await check('1-address');
      await askForCode(page, EMAIL);
      expect(await focused(page)).toBe('code-code');
      expect(await page.textContent('#status')).toBe(
        name.startsWith('ko')
          ? '인증번호를 보냈습니다. 메일함을 확인해 주세요.'
          : 'We sent you a code. Please check your email.',
      );
      await check('2-code');
      await typeCode(page, wrong(await code()));
      await shownMessages(page);
      await check('3-wrong-code');
      await typeCode(page, await code());
      await step(page, 'account');
      expect(await focused(page)).toBe('account-name');
      await check('4-account');
      await page.fill('#account-password', 'short');
      await page.click('[data-step="account"] button');
      await shownMessages(page);
      expect(await focused(page)).toBe('account-name');
      expect(await page.inputValue('#account-password')).toBe('short');
      await check('5-wrong-account');
      await createAccount(page);
      await check('6-welcome');
      await page.click('form[action="/sign-out"] button');
      await page.waitForURL('**/sign-in');
      await page.fill('#sign-in-email', EMAIL);
      await page.fill('#sign-in-password', 'not this one');
      await page.keyboard.press('Enter');
      await shownMessages(page);
      await check('7-sign-in');
      await page.fill('#sign-in-password', PASSWORD);
      await page.keyboard.press('Enter');
      await page.waitForURL('**/welcome');
      await page.goto(`${origin}/nowhere`);
      await check('8-not-found');
    });
  });

  it.each([
    ['with a space', (digits: string) => `${digits.slice(0, 3)} ${digits.slice(3)}`],
    ['with a dash', (digits: string) => ` ${digits.slice(0, 3)}-${digits.slice(3)}\n`],
    [
      'in full-width digits',
      (digits: string) => digits.replace(/\d/g, (digit) => String.fromCharCode(0xff10 + Number(digit))),
    ],
  ])('accepts a code pasted %s, and submits it automatically', async (_name, as) => {
    const { page } = await visit();
    await askForCode(page, EMAIL);
    await page.keyboard.insertText(as(await code()).trimEnd());
    await step(page, 'account');
  });

  it('can be completed with the keyboard alone', async () => {
    const { page } = await visit();
    await page.keyboard.type(EMAIL);
    await page.keyboard.press('Enter');
    await step(page, 'code');
    await page.keyboard.type(await code(), { delay: 5 });
    await step(page, 'account');
    await page.keyboard.type('Minji');
    await page.keyboard.press('Tab');
    await page.keyboard.type(PASSWORD);
    await page.keyboard.press('Enter');
    await page.waitForURL('**/welcome');
    // Skip link, brand, two languages, then the button.
    for (let tabs = 0; tabs < 5; tabs++) await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Sign out');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/sign-in');
  });

  it('continues after the language is switched', async () => {
    const { page } = await visit();
    await askForCode(page, EMAIL);
    await page.click('a[hreflang="ko"]');
    await page.locator('html[lang="ko"]').waitFor();
    await step(page, 'code');
    await typeCode(page, wrong(await code()));
    expect(await shownMessages(page)).toEqual(['인증번호가 올바르지 않습니다. 4번 더 시도할 수 있습니다.']);
    await typeCode(page, await code());
    await step(page, 'account');
  });

  describe('a refusal', () => {
    it('of an address is shown at its field', async () => {
      const { page } = await visit();
      await page.keyboard.type('minji@');
      await page.keyboard.press('Enter');
      expect(await shownMessages(page)).toEqual(['Please enter a valid email address.']);
      const email = page.locator('#address-email');
      expect(await email.getAttribute('aria-invalid')).toBe('true');
      expect(await email.getAttribute('aria-describedby')).toContain('address-email-error');
      expect(await email.inputValue()).toBe('minji@');
      // No code can have been sent to an invalid address.
      expect(await page.locator('#have-code').isVisible()).toBe(false);
    });

    it.each([
      ['en-US', 'Error: ', ['Create your account', 'Check your email', 'Email verified']],
      ['ko-KR', '오류: ', ['회원가입', '이메일을 확인해 주세요', '이메일 인증이 완료되었습니다']],
    ])(
      'is in the title until it is corrected, in %s',
      async (locale, mark, [address, codeTitle, account]) => {
        const { page } = await visit({ locale });
        const titled = (words = '') => titleBecomes(page, `${words} · Acme`);
        await titled(address);
        await page.keyboard.type('minji@');
        await page.keyboard.press('Enter');
        await titled(mark + address);
        await page.fill('#address-email', EMAIL);
        await page.keyboard.press('Enter');
        await titled(codeTitle);
        await typeCode(page, wrong(await code()));
        await titled(mark + codeTitle);
        await page.keyboard.press('Backspace');
        await titled(codeTitle);
        await typeCode(page, await code());
        await titled(account);
        await page.keyboard.press('Enter');
        await titled(mark + account);
      },
    );

    it('of incorrect codes counts down the attempts, then asks to request a new code', async () => {
      const { page } = await visit();
      await askForCode(page, EMAIL);
      const bad = wrong(await code());
      for (const left of ['4 attempts', '3 attempts', '2 attempts', '1 attempt']) {
        await page.fill('#code-code', '');
        await typeCode(page, bad);
        await page.locator(`#code-code-error:has-text("${left} left")`).waitFor();
      }
      await page.fill('#code-code', '');
      await typeCode(page, bad);
      await page.locator('#code-code-error:has-text("request a new one")').waitFor();
      expect(await page.inputValue('#code-code')).toBe(bad);
    });

    it('of an expired code says so', async () => {
      let passed = 0;
      const store = new RedisStore(demo.redis.client, { clock: () => Date.now() + passed });
      const origin = await demo.start({ store });
      const page = await (await browser.person()).newPage();
      await page.goto(origin);
      await askForCode(page, EMAIL);
      passed = 181_000;
      await typeCode(page, await code());
      expect(await shownMessages(page)).toEqual(['This code has expired. Please request a new one.']);
    });

    it('of another code leaves the earlier one valid, even after a reload', async () => {
      const { page, origin, person } = await visit();
      await askForCode(page, EMAIL);
      // Another tab knows nothing of the first: its request is refused, but the code can be entered there too.
      const other = await person.newPage();
      await other.goto(origin);
      await askForCode(other, EMAIL);
      expect(await shownMessages(other)).toEqual(['If you already have a code, enter it below.']);
      await other.reload();
      await page.reload();
      await step(page, 'code');
      await typeCode(page, await code());
      await step(page, 'account');
    });

    it('by the mail server is shown, and the address is kept', async () => {
      const { page } = await visit();
      demo.mail.server.respondWith({ stage: 'rcpt', code: 550, text: 'no such mailbox' });
      await page.fill('#address-email', EMAIL);
      await page.keyboard.press('Enter');
      expect(await shownMessages(page)).toEqual([
        'The email could not be delivered. Please check the address and try again.',
      ]);
      expect(await page.inputValue('#address-email')).toBe(EMAIL);
      demo.mail.server.respondWith();
      await page.keyboard.press('Enter');
      await step(page, 'code');
    });

    it('while the store is unavailable keeps the input', async () => {
      const origin = await demo.start({ storeTimeout: 5000 });
      const page = await (await browser.person()).newPage();
      await page.goto(origin);
      await askForCode(page, EMAIL);
      const right = await code();
      demo.redis.server.pause();
      await typeCode(page, right);
      expect(await shownMessages(page)).toEqual([
        'The service is not available right now. Please try again in a moment.',
      ]);
      demo.redis.server.resume();
      expect(await page.inputValue('#code-code')).toBe(right);
      await page.click('[data-step="code"] button:not(.secondary)');
      await step(page, 'account');
    });

    it('while the person is offline keeps the input, at each step', async () => {
      const { page, person } = await visit();
      const offline = ['You seem to be offline. Check your connection and try again.'];
      const whileOffline = async (action: () => Promise<void>) => {
        await person.setOffline(true);
        await action();
        expect(await shownMessages(page)).toEqual(offline);
        await person.setOffline(false);
      };
      await page.fill('#address-email', EMAIL);
      await whileOffline(() => page.keyboard.press('Enter'));
      await page.keyboard.press('Enter');
      await step(page, 'code');
      const right = await code();
      await whileOffline(() => typeCode(page, right));
      expect(await page.inputValue('#code-code')).toBe(right);
      await page.keyboard.press('Enter');
      await step(page, 'account');
      await page.fill('#account-name', 'Minji');
      await page.fill('#account-password', PASSWORD);
      await whileOffline(() => page.keyboard.press('Enter'));
      expect(await page.inputValue('#account-password')).toBe(PASSWORD);
      await page.keyboard.press('Enter');
      await page.waitForURL('**/welcome');
    });

    it('of an expired token leads back to the address, which is kept', async () => {
      let passed = 0;
      const store = new RedisStore(demo.redis.client, { clock: () => Date.now() + passed });
      const origin = await demo.start({ store });
      const page = await (await browser.person()).newPage();
      await page.goto(origin);
      await askForCode(page, EMAIL);
      await typeCode(page, await code());
      await step(page, 'account');
      passed = 901_000;
      await page.fill('#account-name', 'Minji');
      await page.fill('#account-password', PASSWORD);
      await page.keyboard.press('Enter');
      await step(page, 'address');
      expect(await shownMessages(page)).toEqual([
        'Your email verification has expired. Please verify your email address again.',
      ]);
      expect(await page.inputValue('#address-email')).toBe(EMAIL);
    });
  });

  it('sends another code after the cooldown, and both work', async () => {
    let passed = 0;
    const store = new MemoryStore({ clock: () => Date.now() + passed });
    const origin = await demo.start({ store });
    const page = await (await browser.person()).newPage();
    await page.clock.install();
    await page.goto(origin);
    await askForCode(page, EMAIL);
    const first = await code();
    const button = page.locator('#resend button');
    expect(await button.getAttribute('aria-disabled')).toBe('true');
    passed = 60_000;
    await page.clock.fastForward(60_000);
    await page.locator('#resend button:not([aria-disabled])').waitFor();
    await button.click();
    await page.locator('#notice:visible').waitFor();
    expect(await shownMessages(page)).toEqual(['We sent you a code. Please check your email.']);
    expect(demo.mail.messages).toHaveLength(2);
    await typeCode(page, first);
    await step(page, 'account');
  });

  it('continues when it is unknown whether the email was sent: its code works if it arrives', async () => {
    const smtp = await startRawSmtpServer({ dot: 'stall' });
    const origin = await demo.start({ transport: smtp.url, mailTimeout: 60_000 });
    const page = await (await browser.person()).newPage();
    await page.goto(origin);
    await page.fill('#address-email', EMAIL);
    await page.keyboard.press('Enter');
    await page.locator('form[aria-busy="true"]').waitFor();
    await page.locator('#status:has-text("Please wait")').waitFor({ state: 'attached' });
    await until('the email has arrived', () => smtp.received.includes('.'));
    await smtp.close();
    await step(page, 'code');
    expect(await shownMessages(page)).toEqual([
      'The email may take a little longer. If it arrives, the code in it will work.',
    ]);
    await page.reload();
    await step(page, 'code');
    await typeCode(page, smtp.received.find((line) => /^\d{6}$/.test(line)) ?? '');
    await step(page, 'account');
  });

  it('counts down from the time in the response, and continues after a reload', async () => {
    const { page } = await visit();
    await askForCode(page, EMAIL);
    const before = [await secondsOf(page, 'expires-in'), await secondsOf(page, 'resend-in')];
    expect(before[0]).toBeGreaterThan(150);
    expect(before[1]).toBeGreaterThan(30);
    await until('it counts', async () => (await secondsOf(page, 'expires-in')) <= (before[0] ?? 0) - 2);
    await page.reload();
    await step(page, 'code');
    const after = [await secondsOf(page, 'expires-in'), await secondsOf(page, 'resend-in')];
    for (const [index, seconds] of after.entries()) {
      expect(seconds).toBeLessThanOrEqual((before[index] ?? 0) - 2);
      expect(seconds).toBeGreaterThan((before[index] ?? 0) - 30);
    }
    await typeCode(page, await code());
    await step(page, 'account');
    await page.reload();
    await step(page, 'account');
    await createAccount(page);
  });

  it('supports the back and forward buttons of the browser', async () => {
    const { page } = await visit();
    await askForCode(page, EMAIL);
    await page.goBack();
    await step(page, 'address');
    expect(await page.inputValue('#address-email')).toBe(EMAIL);
    await page.goForward();
    await step(page, 'code');
    await page.click('a:has-text("Use a different email address")');
    await step(page, 'address');
    await page.click('text=I already have a code');
    await step(page, 'code');
    await typeCode(page, await code());
    await step(page, 'account');
    await createAccount(page);
    await page.goBack();
    await step(page, 'address');
  });

  it('changes the address without starting over', async () => {
    const { page } = await visit();
    await askForCode(page, 'mniji@example.com');
    await page.click('a:has-text("Use a different email address")');
    await askForCode(page, EMAIL);
    expect(await page.textContent('#sent-to')).toContain(EMAIL);
    await typeCode(page, await code());
    await step(page, 'account');
  });

  it('clears its messages when another address is chosen', async () => {
    const { page } = await visit();
    await askForCode(page, EMAIL);
    await typeCode(page, wrong(await code()));
    await shownMessages(page);
    const titleOf = (words: string) => `${words} · Acme`;
    expect(await page.title()).toBe(titleOf('Error: Check your email'));
    await page.click('a:has-text("Use a different email address")');
    await step(page, 'address');
    expect(await page.title()).toBe(titleOf('Create your account'));
    expect(await page.textContent('#status')).toBe('');
    expect(await page.locator('[role="alert"]:visible, .notice:visible').count()).toBe(0);
    await page.click('text=I already have a code');
    await step(page, 'code');
    expect(await page.locator('[role="alert"]:visible').count()).toBe(0);
    expect(await page.title()).toBe(titleOf('Check your email'));
  });

  it('does not call it an error when no code is sent because of the cooldown', async () => {
    const { page, origin } = await visit();
    await askForCode(page, EMAIL);
    await typeCode(page, await code());
    await step(page, 'account');
    await createAccount(page);
    await page.click('form[action="/sign-out"] button');
    await page.waitForURL('**/sign-in');
    await page.goto(`${origin}/sign-up`);
    await askForCode(page, EMAIL);
    expect(await shownMessages(page)).toEqual(['If you already have a code, enter it below.']);
    expect(await page.locator('h1:visible').innerText()).toBe('Enter your code');
    expect(await page.locator('#sent-to').innerText()).toBe(`We can’t send another code to ${EMAIL} yet.`);
    expect(await secondsOf(page, 'resend-in')).toBeGreaterThan(0);
    expect(await page.title()).toBe('Enter your code · Acme');
    expect(await accessibilityProblems(page)).toEqual([]);
    await screenshot(page, 'limited');
  });

  it('keeps two tabs with different addresses separate', async () => {
    const { page, origin, person } = await visit();
    const other = await person.newPage();
    await other.goto(origin);
    await askForCode(page, EMAIL);
    await askForCode(other, 'jun@example.com');
    await typeCode(page, await code());
    await step(page, 'account');
    await typeCode(other, await demo.mail.lastCode('jun@example.com'));
    await step(other, 'account');
    await page.reload();
    expect(await page.inputValue('#account-email')).toBe(EMAIL);
    await createAccount(other);
    expect(await other.textContent('main')).toContain('jun@example.com');
  });
});
