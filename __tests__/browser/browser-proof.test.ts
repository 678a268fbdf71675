/** A sign-up without a code, where the browser proves the address. The demo plays the browser and its provider. */
import { accessibilityProblems, describeInBrowser, screenshot, useBrowser } from './browser.js';
import { useDemo } from './demo-server.js';
import { askForCode, createAccount, step, typeCode } from './steps.js';

const EMAIL = 'minji@example.com';

describeInBrowser('browser proofs', () => {
  const browser = useBrowser();
  const demo = useDemo();

  async function visit(options: Parameters<typeof browser.person>[0] = {}) {
    const origin = await demo.start();
    const page = await (await browser.person(options)).newPage();
    await page.goto(origin);
    return { origin, page };
  }

  it.each([
    ['en', { locale: 'en-US' }],
    ['ko', { locale: 'ko-KR', colorScheme: 'dark' as const, viewport: { width: 320, height: 700 } }],
  ])('%s: lead from the address straight to the account', async (name, options) => {
    const { page } = await visit(options);
    await page.check('#pretend');
    await screenshot(page, `proof-${name}-1-address`);
    expect(await accessibilityProblems(page)).toEqual([]);
    await page.fill('#address-email', EMAIL);
    await page.click('[data-step="address"] button');
    await step(page, 'account');
    expect(await page.inputValue('#account-email')).toBe(EMAIL);
    expect(await page.textContent('#status')).toBe(
      name === 'ko' ? '이메일 주소가 인증되었습니다.' : 'Your email address is verified.',
    );
    await screenshot(page, `proof-${name}-2-account`);
    await createAccount(page);
    expect(demo.mail.messages).toEqual([]);
  });

  it('are shown in the panel, with what is left of them in Redis', async () => {
    const { page } = await visit();
    await page.check('#pretend');
    await page.fill('#address-email', EMAIL);
    await page.click('[data-step="address"] button');
    await step(page, 'account');
    await page.waitForSelector('#timeline summary:has-text("POST /email-verification/send")');
    await page.waitForSelector('#redis p:has-text("when its nonce is forgotten")', { state: 'attached' });
    expect(await page.textContent('#timeline')).toContain('"verified": true');
  });

  it('that are refused lead to the code, and only the operator is told why', async () => {
    const { page } = await visit();
    // The signature of the browser, cut off.
    await page.route('**/dev/proof', async (route) => {
      const { proof } = await (await route.fetch()).json();
      await route.fulfill({ json: { proof: proof.slice(0, -8) } });
    });
    await page.check('#pretend');
    await askForCode(page, EMAIL);
    await page.waitForSelector('#timeline summary:has-text("proof was refused"):has-text("key_binding")');
    await typeCode(page, await demo.mail.lastCode(EMAIL));
    await step(page, 'account');
  });

  it('get a nonce that the browser can read under the policy of the page, and a new one after each', async () => {
    const { page } = await visit();
    const nonce = () => page.evaluate("document.querySelector('[name=proof]').nonce");
    await page.waitForFunction("document.querySelector('[name=proof]').nonce.length === 48");
    const first = await nonce();
    await page.check('#pretend');
    await page.fill('#address-email', EMAIL);
    await page.click('[data-step="address"] button');
    await step(page, 'account');
    await page.waitForFunction(`document.querySelector('[name=proof]').nonce !== '${first}'`);
  });
});
