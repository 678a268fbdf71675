/** The development inbox in a browser. */
import type { BrowserContextOptions, Page } from 'playwright-core';
import { accessibilityProblems, describeInBrowser, screenshot, useBrowser } from './browser.js';
import { useDemo } from './demo-server.js';
import { focused } from './steps.js';

const EMAIL = 'minji@example.com';

describeInBrowser('the inbox', () => {
  const browser = useBrowser();
  const demo = useDemo();

  async function visit(options: BrowserContextOptions = {}) {
    const origin = await demo.start();
    const person = await browser.person(options);
    await person.grantPermissions(['clipboard-read', 'clipboard-write'], { origin });
    const page = await person.newPage();
    const requestCode = async (email: string) => {
      const { locale } = options;
      await page.request.post(`${origin}/email-verification/send`, { data: { email, locale } });
      return demo.mail.lastCode(email);
    };
    const open = async (path = '') => {
      const streaming = page.waitForResponse('**/dev/events');
      await page.goto(`${origin}/inbox${path}`);
      await streaming;
    };
    return { page, requestCode, open, origin };
  }

  const messages = (page: Page, count: number) => page.locator(`.messages li:nth-child(${count})`).waitFor();
  const status = (page: Page) => page.textContent('#status');

  it('shows a new message without a reload, and copies its code', async () => {
    const { page, requestCode, open } = await visit();
    await open();
    expect(await page.textContent('.skip-link')).toBe('Skip to main content');
    const code = await requestCode(EMAIL);
    await page.click('[data-copy]');
    await page.locator('button:has-text("Copied")').waitFor();
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(code);
    await page.frameLocator('iframe').locator(`text="${code}"`).waitFor();
    expect(await page.textContent('.skip-link')).toBe('Skip to message');
    const next = await requestCode('jun@example.com');
    await page.locator(`[data-copy="${next}"]`).waitFor();
    // The focus moves to the new message.
    expect(await focused(page)).toBe('message');
    expect(await page.locator('.messages [aria-current]').allTextContents()).toEqual([
      expect.stringContaining('jun@example.com'),
    ]);
  });

  it('keeps the open message, the focus, and the scroll position when a message arrives', async () => {
    const { page, requestCode, open } = await visit({
      viewport: { width: 390, height: 600 },
      hasTouch: true,
    });
    for (let index = 0; index < 5; index++) await requestCode(`${index}@example.com`);
    await open(`/${demo.mail.messages[0]?.id}?view=source`);
    const link = page.locator('.messages a:has-text("1@example.com")');
    await link.focus();
    await page.evaluate('document.querySelector("pre").scrollTop = 40; scrollTo(0, 150)');
    await page.evaluate('globalThis.openMessage = document.querySelector(".message")');
    const scrolled = () => page.evaluate('[scrollY, openMessage.querySelector("pre").scrollTop]');
    const height = async () => (await link.boundingBox())?.y ?? 0;
    const before = [await scrolled(), await height()] as const;

    await requestCode('late@example.com');
    await messages(page, 6);
    expect(await page.locator('.messages li').first().textContent()).toContain('late@example.com');
    expect(await status(page)).toBe('New message: Your code for Acme');
    expect(await page.locator('.messages a:focus').textContent()).toContain('1@example.com');
    expect(await page.evaluate('document.querySelector(".message") === openMessage')).toBe(true);
    expect(await page.locator('.messages [aria-current]').textContent()).toContain('0@example.com');
    expect(await scrolled()).toEqual(before[0]);
    expect(Math.abs((await height()) - before[1])).toBeLessThan(2);
    await screenshot(page, 'inbox-phone');
    expect(await accessibilityProblems(page)).toEqual([]);
  });

  it.each([
    ['en-US', 'Skip to message', 'Copied'],
    ['ko-KR', '메일 내용 바로가기', '복사했습니다'],
  ])('needs three presses of Tab to copy the code, in %s', async (locale, words, copied) => {
    const { page, requestCode, open } = await visit({ locale });
    for (let index = 0; index < 3; index++) await requestCode(`${index}@example.com`);
    const code = await requestCode(EMAIL);
    await open();
    const list = 'document.querySelector(".messages")';
    expect(await page.evaluate(`${list}.scrollHeight - ${list}.clientHeight`)).toBe(0);
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe(words);
    await screenshot(page, `inbox-skip-${locale}`);
    await page.keyboard.press('Enter');
    expect(await focused(page)).toBe('message');
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.dataset.use')).toBe(code);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.locator(`button:has-text("${copied}")`).waitFor();
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(code);
  });

  it('is entirely in Korean for Korean readers', async () => {
    const { page, requestCode, open } = await visit({
      locale: 'ko-KR',
      viewport: { width: 390, height: 844 },
    });
    await open();
    expect(await latinWords(page)).toEqual([]);
    await requestCode(EMAIL);
    await messages(page, 1);
    expect(await status(page)).toBe('새 메일이 도착했습니다: Acme 인증번호');
    expect(await page.textContent('[data-copy]')).toBe('인증번호 복사');
    expect(await page.textContent('.messages time')).toMatch(/^오[전후] /);
    expect(await latinWords(page)).toEqual([]);
    await page.click('[data-copy]');
    await page.locator('button:has-text("복사했습니다")').waitFor();
    expect(await status(page)).toBe('복사했습니다');
    await screenshot(page, 'inbox-phone-ko');
    expect(await accessibilityProblems(page)).toEqual([]);
  });

  it('shows the new messages of a server that has started again, and no old ones', async () => {
    const { page, requestCode, open } = await visit();
    await requestCode('before@example.com');
    await requestCode('kept@example.com');
    await open();
    await messages(page, 2);
    demo.mail.clear();
    const again = page.waitForResponse('**/dev/events');
    demo.endStreams();
    const code = await requestCode('after@example.com');
    await again;
    await page.locator(`[data-copy="${code}"]`).waitFor();
    expect(await page.locator('.messages li span').allTextContents()).toEqual(['after@example.com']);
  });

  it('stays up to date after the Back button', async () => {
    const { page, requestCode, open, origin } = await visit();
    await open();
    await page.goto(`${origin}/sign-in`);
    await page.goBack();
    const code = await requestCode(EMAIL);
    await page.locator(`[data-copy="${code}"]`).waitFor();
  });

  it('shows times in the time zone of the reader', async () => {
    const { page, requestCode, open } = await visit({ timezoneId: 'Asia/Seoul' });
    await requestCode(EMAIL);
    const [first] = demo.mail.messages;
    const timeIn = (timeZone: string) => first?.receivedAt.toLocaleTimeString('en', { timeZone });
    await open();
    expect(await page.textContent('.messages time')).toBe(timeIn('Asia/Seoul'));
    await requestCode('jun@example.com');
    await messages(page, 2);
    expect(await page.textContent('.messages time')).not.toContain('UTC');
  });

  it('without a script, shows times in UTC and hides the copy button', async () => {
    const { page, requestCode, origin } = await visit({ javaScriptEnabled: false, timezoneId: 'Asia/Seoul' });
    await requestCode(EMAIL);
    await page.goto(`${origin}/inbox`);
    const [first] = demo.mail.messages;
    expect(await page.textContent('.messages time')).toBe(
      `${first?.receivedAt.toISOString().slice(11, 19)} UTC`,
    );
    expect(await page.locator('[data-copy]').isVisible()).toBe(false);
  });
});

/** Visible and accessible text of a page in Latin letters, except for names and text that is marked as English. */
async function latinWords(page: Page): Promise<string[]> {
  const texts: string[] = await page.evaluate(`[...document.querySelectorAll('title, body, body *')]
    .filter((one) => one.lang !== 'en')
    .flatMap((one) => [
      ...[...one.childNodes].filter(({ nodeType }) => nodeType === 3).map(({ data }) => data),
      ...['aria-label', 'title'].map((name) => one.getAttribute(name) ?? ''),
    ])`);
  return texts
    .map((text) => text.replace(/\S*(?:@|:\/\/)\S+|Acme|Express|Redis|HTML|English/g, '').trim())
    .filter((text) => /[a-z]/i.test(text));
}
