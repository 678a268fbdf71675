/** What the pages of the demo look like: large text, narrow screens, forced colours, contrast, targets, fonts. */
import type { BrowserContextOptions, Page } from 'playwright-core';
import { accessibilityProblems, describeInBrowser, screenshot, useBrowser } from './browser.js';
import { useDemo } from './demo-server.js';
import { askForCode, shownMessages, step, typeCode, wrong } from './steps.js';

const EMAIL = 'minji@example.com';

describeInBrowser('the look of the pages', () => {
  const browser = useBrowser();
  const demo = useDemo();

  async function visit(options: BrowserContextOptions = {}, server = {}, { tools = true } = {}) {
    const origin = await demo.start(server, { tools });
    const person = await browser.person(options);
    const page = await person.newPage();
    await page.goto(origin);
    await step(page, 'address');
    return { origin, person, page };
  }

  const style = (page: Page, selector: string, property: string, pseudo = ''): Promise<string> =>
    page.evaluate(
      `getComputedStyle(document.querySelector('${selector}'), '${pseudo}').getPropertyValue('${property}')`,
    );

  it.each([
    ['ten digits', { codeLength: 10 }, '0123456789', 'Please enter'],
    ['nine characters', { codeAlphabet: 'letters', binding: 'client' }, 'WWWW-WWWW', 'The code is incorrect'],
  ])('shows %s at once, at 320 px with text of 200 %%', async (name, server, typed, message) => {
    const { page } = await visit({ viewport: { width: 320, height: 640 } }, server);
    await page.evaluate("document.documentElement.style.fontSize = '200%'");
    const isWider = 'document.documentElement.scrollWidth > document.documentElement.clientWidth';
    expect(await page.evaluate(isWider)).toBe(false);
    await askForCode(page, EMAIL);
    await page.evaluate("document.documentElement.style.fontSize = '200%'");
    const isCut = `(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth)(document.getElementById('code-code'))`;
    await page.route('**/verify', (route) => route.continue());
    await typeCode(page, typed);
    expect(await page.evaluate(isCut)).toBe(false);
    await page.locator('#code-code').press('Enter');
    expect((await shownMessages(page))[0]).toContain(
      name === 'ten digits' ? 'The code is incorrect' : message,
    );
    expect(await page.evaluate(isCut)).toBe(false);
    expect(await page.evaluate(isWider)).toBe(false);
    await screenshot(page, `large-text-${name.replace(' ', '-')}`);
  });

  it('shows the step, the language, the focus, and errors where colours are forced', async () => {
    const { page } = await visit({ forcedColors: 'active' });
    const borders = async (selector: string) =>
      Promise.all(
        ['[aria-current]', ':not([aria-current])'].map((state) =>
          style(page, `${selector}${state}`, 'border-bottom-width'),
        ),
      );
    expect(await borders('.steps li')).toEqual(['3px', '0px']);
    expect(await borders('.site-header nav a')).toEqual(['3px', '0px']);
    expect(await style(page, '.card', 'border-top-style')).toBe('solid');
    expect(await style(page, '#address-email', 'outline-style')).toBe('solid');
    const plain = await style(page, '#address-email', 'border-left-width');
    await page.keyboard.press('Enter');
    await shownMessages(page);
    expect(parseFloat(await style(page, '#address-email', 'border-left-width'))).toBeGreaterThan(
      parseFloat(plain) * 2,
    );
    expect(await style(page, '#address-email-error', 'content', '::before')).toContain('⚠');
    await screenshot(page, 'forced-colors');
  });

  it.each(['light', 'dark'] as const)('has enough contrast in the %s', async (colorScheme) => {
    const { page } = await visit({ colorScheme, reducedMotion: 'reduce' });
    const selection = await Promise.all(
      ['color', 'background-color'].map((property) => style(page, 'h1', property, '::selection')),
    );
    expect(contrast(selection)).toBeGreaterThanOrEqual(4.5);
    const card = await style(page, '.card', 'background-color');
    await askForCode(page, EMAIL);
    expect(await page.getAttribute('#resend button', 'class')).toContain('secondary');
    for (const selector of ['#resend button', '#code-code'])
      expect(contrast([await style(page, selector, 'border-top-color'), card])).toBeGreaterThanOrEqual(3);
    await typeCode(page, wrong(await demo.mail.lastCode(EMAIL)));
    await shownMessages(page);
    expect(contrast([await style(page, '#code-code-error', 'color'), card])).toBeGreaterThanOrEqual(4.5);
  });

  it.each([
    ['a desktop', { width: 1280, height: 900 }],
    ['a phone', { width: 390, height: 844 }],
  ])('has targets of 24 px or more on %s', async (_name, viewport) => {
    const { page, origin } = await visit({ viewport });
    const small = async () => {
      const found: string[] = [];
      for (const target of await page
        .locator('a:visible, button:visible, summary:visible, input:visible')
        .all()) {
        const { width = 0, height = 0 } = (await target.boundingBox()) ?? {};
        const label = `${await target.getAttribute('id')} ${await target.getAttribute('class')} ${await target.innerText()}`;
        if ((width < 24 || height < 24) && !label.includes('skip-link')) found.push(`${height}: ${label}`);
      }
      return found;
    };
    expect(await small()).toEqual([]);
    await askForCode(page, EMAIL);
    expect(await small()).toEqual([]);
    await page.goto(`${origin}/sign-in`);
    expect(await small()).toEqual([]);
  });

  it('sets Korean headings in a sans-serif', async () => {
    const { page } = await visit({ locale: 'ko-KR' });
    for (const heading of ['h1', 'h2']) {
      const fonts = await style(page, heading, 'font-family');
      expect(fonts).toContain('sans-serif');
      expect(fonts.replaceAll('sans-serif', '')).not.toContain('serif');
    }
  });

  it.each([
    ['open on a desktop', { width: 1280, height: 900 }, true],
    ['closed on a phone', { width: 390, height: 844 }, false],
  ])('shows what it is and how to install it, with the example %s', async (_name, viewport, isOpen) => {
    const { page, person } = await visit({ viewport });
    await person.grantPermissions(['clipboard-read', 'clipboard-write']);
    expect(await page.locator('#intro h2').innerText()).toBe('express-email-verification');
    expect(await page.locator('#example pre').isVisible()).toBe(isOpen);
    expect(await page.textContent('#example pre')).toContain('requireVerifiedEmail(verification)');
    await page.click('[data-copy]');
    await page.locator('[data-copy]:has-text("Copied")').waitFor();
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(
      'npm install express-email-verification redis',
    );
    expect(await accessibilityProblems(page)).toEqual([]);
    await askForCode(page, EMAIL);
    expect(await page.locator('#intro').isVisible()).toBe(false);
  });

  it('shows no ports, paths, versions, or tools in production', async () => {
    const { page, origin } = await visit({}, {}, { tools: false });
    // The example is that of the README, whatever the server runs on.
    await page.evaluate("document.getElementById('example').remove()");
    for (const path of ['/sign-up', '/sign-in', '/nowhere']) {
      if (path !== '/sign-up') await page.goto(origin + path);
      const body = await page.locator('body').innerText();
      expect(body).not.toMatch(/\d+\.\d+|:\d{2,}|localhost|\/\w+\/\w+|Development|Redis \d/i);
      const links: string[] = await page.evaluate(`Array.from(document.links, ({ href }) => href)`);
      expect(links.filter((href) => /inbox|dev|api/.test(href))).toEqual([]);
    }
    for (const path of ['/inbox', '/api', '/dev/previews'])
      expect((await page.request.get(origin + path)).status()).toBe(404);
    // No panel takes the place of the introduction.
    await page.goto(origin);
    await askForCode(page, EMAIL);
    expect(await page.locator('#intro').isVisible()).toBe(true);
  });
});

/** The contrast of two colours, by WCAG 2. */
function contrast(colors: readonly string[]): number {
  const [dark = 0, light = 0] = colors.map(luminance).sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

/** Of a colour such as `rgb(255, 255, 255)` or `color(srgb 1 1 1)`. */
function luminance(color: string): number {
  const [r = 0, g = 0, b = 0] = (color.match(/[\d.]+/g) ?? []).map((part) => {
    const value = Number(part) / (color.startsWith('rgb') ? 255 : 1);
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
