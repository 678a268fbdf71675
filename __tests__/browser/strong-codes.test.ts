/** The demo with codes of letters that are bound to the browser that requested them. */
import { describeInBrowser, useBrowser } from './browser.js';
import { useDemo } from './demo-server.js';
import { askForCode, createAccount, shownMessages, step, typeCode } from './steps.js';

const EMAIL = 'minji@example.com';

describeInBrowser('strong codes', () => {
  const browser = useBrowser();
  const demo = useDemo();

  async function visit() {
    const origin = await demo.start({ codeAlphabet: 'letters', binding: 'client' });
    const page = await (await browser.person()).newPage();
    await page.goto(origin);
    await askForCode(page, EMAIL);
    const { text } = await demo.mail.server.waitForMessage();
    const [code = ''] = /\b[A-Z]{4}-[A-Z]{4}\b/.exec(text) ?? [];
    return { origin, page, code };
  }

  it('a code is submitted once it is complete, in any case, and leads to an account', async () => {
    const { page, code } = await visit();
    expect(await page.getAttribute('#code-code', 'inputmode')).toBeNull();
    await typeCode(page, code.toLowerCase().replace('-', ''));
    await step(page, 'account');
    await createAccount(page);
  });

  it('another browser cannot enter it', async () => {
    const { page, origin, code } = await visit();
    const other = await (await browser.person()).newPage();
    await other.goto(`${origin}/sign-up/code`);
    const response = await other.request.post(`${origin}/email-verification/verify`, {
      data: { email: EMAIL, code },
    });
    expect([response.status(), (await response.json()).reason]).toEqual([401, 'code_expired']);
    await typeCode(page, code);
    await step(page, 'account');
  });

  it('something other than letters is refused in words that say so', async () => {
    const { page } = await visit();
    await typeCode(page, '123456');
    await page.click('[data-step="code"] button:not(.secondary)');
    expect(await shownMessages(page)).toEqual(['Please enter the 8-letter code.']);
  });
});
