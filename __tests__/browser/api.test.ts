/** The API browser of the demo, within its Content-Security-Policy. */
import { describeInBrowser, useBrowser } from './browser.js';
import { useDemo } from './demo-server.js';

describeInBrowser('the API browser', () => {
  const browser = useBrowser();
  const demo = useDemo();

  it('shows the document, and sends a request from the page', async () => {
    const origin = await demo.start();
    const page = await (await browser.person()).newPage();
    const errors: string[] = [];
    const requested: string[] = [];
    page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
    page.on('request', (request) => requested.push(request.url()));
    await page.goto(`${origin}/api`);

    const send = page.locator('.opblock', { hasText: 'Send a code' });
    await send.locator('.opblock-summary-control').click();
    await send.locator('.try-out__btn').click();
    await send.locator('.execute').click();
    const status = send.locator('.live-responses-table .response .response-col_status');
    expect(await status.first().textContent()).toContain('200');
    expect(await demo.mail.lastCode('person@example.com')).toMatch(/^\d{6}$/);
    expect(errors).toEqual([]);
    expect(requested.filter((url) => !url.startsWith(origin) && !url.startsWith('data:'))).toEqual([]);
  });
});
