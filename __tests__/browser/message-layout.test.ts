/** How the default email is laid out: on a narrow phone and in a wide window, in light and dark. */
import {
  createEmailVerification,
  defaultTemplate,
  type EmailVerificationOptions,
  MemoryStore,
  noticeTemplate,
} from 'express-email-verification';
import { FROM, SECRET } from '../support/app.js';
import { LANGUAGES, LOCALES } from '../support/languages.js';
import { accessibilityProblems, describeInBrowser, screenshot, useBrowser } from './browser.js';

/** The HTML of an email, as a custom delivery gets it. */
async function htmlOf(options: Partial<EmailVerificationOptions>, locale: string) {
  let html = '';
  let code = '';
  const verification = createEmailVerification({
    ...{ store: new MemoryStore(), transport: 'smtp://localhost', from: FROM, secret: SECRET },
    delivery: async (message) => {
      html = message.html;
      code = /\b\d{6,10}\b/.exec(message.text)?.[0] ?? '';
    },
    locales: LOCALES,
    ...options,
  });
  await verification.send({ email: 'minji@example.com', locale });
  await verification.close();
  return { html, code };
}

/** Runs in the page: measures the document and its parts, and counts the lines of the code. */
const MEASURE = `(code) => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const texts = [];
  while (walker.nextNode()) if (walker.currentNode.data.trim()) texts.push(walker.currentNode);
  const boxOf = (node) => { const range = document.createRange(); range.selectNodeContents(node); return range; };
  const found = texts.find(({ data }) => data.trim() === code);
  const cell = found.parentElement.closest('td').getBoundingClientRect();
  const range = boxOf(found);
  const card = document.querySelector('.card').getBoundingClientRect();
  const preheader = document.body.firstElementChild;
  const shown = texts.filter((node) => !preheader.contains(node)).map((node) => boxOf(node).getBoundingClientRect());
  return {
    documentWidth: document.documentElement.scrollWidth,
    preheaderHeight: preheader.getBoundingClientRect().height,
    lines: range.getClientRects().length,
    codeInCell: range.getBoundingClientRect().left >= cell.left && range.getBoundingClientRect().right <= cell.right,
    cardInWindow: card.left >= 0 && card.right <= innerWidth,
    cardWidth: card.width,
    textInCard: shown.every(({ left, right }) => left >= card.left && right <= card.right),
  };
}`;

interface Measures {
  readonly documentWidth: number;
  readonly preheaderHeight: number;
  readonly lines: number;
  readonly codeInCell: boolean;
  readonly cardInWindow: boolean;
  readonly cardWidth: number;
  readonly textInCard: boolean;
}

/** An email that names the longest address that there can be. */
const LONGEST = `${'a'.repeat(64)}@${'b'.repeat(61)}.${'c'.repeat(61)}.${'d'.repeat(60)}.com`;
const withAddress: Partial<EmailVerificationOptions> = {
  template: (input) => defaultTemplate({ ...input, email: LONGEST }, { showEmail: true }),
};

const messages: [what: string, locale: string, options: Partial<EmailVerificationOptions>][] = [
  ['6 digits', 'en', {}],
  ['6 digits in Korean', 'ko', {}],
  ['7 digits', 'en', { codeLength: 7 }],
  ['8 digits', 'ko', { codeLength: 8 }],
  ['9 digits', 'en', { codeLength: 9 }],
  ['10 digits', 'en', { codeLength: 10 }],
  ['10 digits in Korean', 'ko', { codeLength: 10, origin: 'https://acme.example' }],
  ['a host of 60 characters', 'en', { origin: `https://${'a'.repeat(52)}.example` }],
  ['an app name of 100 letters in one word', 'en', { appName: 'W'.repeat(100) }],
  ['an app name of 100 letters in one word in Korean', 'ko', { appName: '가'.repeat(100) }],
  ['an address of 252 characters', 'en', withAddress],
  ['an address of 252 characters in Korean', 'ko', withAddress],
  ['an address of 252 characters in Arabic', 'ar', withAddress],
  ...LANGUAGES.map(([tag]): [string, string, Partial<EmailVerificationOptions>] => [
    `10 digits in the language '${tag}'`,
    tag,
    { codeLength: 10, origin: 'https://acme.example' },
  ]),
];

describeInBrowser('T60: the default email', () => {
  const browser = useBrowser();

  async function shown(
    options: Partial<EmailVerificationOptions>,
    locale: string,
    width: number,
    colorScheme: 'light' | 'dark' = 'light',
  ) {
    const { html, code } = await htmlOf(options, locale);
    const person = await browser.person({ viewport: { width, height: 640 }, colorScheme });
    const page = await person.newPage();
    await page.setContent(html);
    const measures: Measures = await page.evaluate(`(${MEASURE})(${JSON.stringify(code)})`);
    return { page, code, measures };
  }

  it.each(messages)(
    'T60: with %s it fits 320 px, with the code on one line',
    async (_what, locale, options) => {
      const { measures } = await shown(options, locale, 320);
      expect(measures).toMatchObject({
        documentWidth: 320,
        preheaderHeight: 0,
        lines: 1,
        codeInCell: true,
        cardInWindow: true,
        textInCard: true,
      });
    },
  );

  it('T60: is no wider than 600 px in a wide window', async () => {
    const { measures } = await shown({}, 'en', 1100);
    expect(measures).toMatchObject({ documentWidth: 1100, cardWidth: 600, textInCard: true });
  });

  it.each(['light', 'dark'] as const)('T60: is readable in %s mode', async (colorScheme) => {
    for (const locale of ['en', 'ko', 'ja', 'ar'])
      for (const codeLength of [6, 10])
        for (const width of [320, 600]) {
          const options = { codeLength, origin: 'https://acme.example' };
          const { page } = await shown(options, locale, width, colorScheme);
          await screenshot(page, `message-${colorScheme}-${locale}-${codeLength}-${width}`);
          // An email is not a page of an app: it has no landmarks.
          const problems = await accessibilityProblems(page);
          expect(problems.filter((problem) => !/^(region|landmark-one-main)/.test(problem))).toEqual([]);
        }
  });

  it('T60: in Arabic everything is on the right, but the code and the line for browsers go from left to right', async () => {
    const { page, code, measures } = await shown({ origin: 'https://acme.example' }, 'ar', 600);
    expect(measures).toMatchObject({ lines: 1, codeInCell: true, textInCard: true });
    const sides = await page.evaluate(`(() => {
      const box = (selector) => { const range = document.createRange(); range.selectNodeContents(document.querySelector(selector)); return range.getBoundingClientRect(); };
      const card = document.querySelector('.card').getBoundingClientRect();
      const digitAt = (n) => { const range = document.createRange(); const { firstChild } = document.querySelector('.code'); range.setStart(firstChild, n); range.setEnd(firstChild, n + 1); return range.getBoundingClientRect().left; };
      return {
        heading: card.right - box('h1').right < box('h1').left - card.left,
        bound: getComputedStyle(document.querySelector('p[dir=ltr]')).direction,
        digits: ${JSON.stringify([...'012345'].map((_, n) => n))}.map(digitAt),
      };
    })()`);
    const { heading, bound, digits } = sides as { heading: boolean; bound: string; digits: number[] };
    expect([heading, bound, code.length]).toEqual([true, 'ltr', 6]);
    expect(digits).toEqual([...digits].sort((one, other) => one - other));
  });

  it('T60: a double click selects the code as one word and nothing else', async () => {
    const { page, code } = await shown({ codeLength: 10 }, 'en', 320);
    await page.locator(`td:text-is("${code}")`).dblclick();
    expect(await page.evaluate('getSelection().toString().trim()')).toBe(code);
  });
});

describeInBrowser('an email without a code', () => {
  const browser = useBrowser();

  it.each(['light', 'dark'] as const)('fits 320 px and is readable in %s mode', async (colorScheme) => {
    for (const locale of ['en', 'ko', 'ar']) {
      const { html } = noticeTemplate({
        ...{ locale, appName: 'Acme', subject: 'Your account', heading: 'W'.repeat(100) },
        paragraphs: ['You already have an account.', '가'.repeat(100)],
        link: {
          url: `https://acme.example/${'a'.repeat(200)}`,
          label: 'Sign in with your password or a key',
        },
        note: 'If it was not you, you can ignore this email.',
      });
      const person = await browser.person({ viewport: { width: 320, height: 640 }, colorScheme });
      const page = await person.newPage();
      await page.setContent(html);
      await screenshot(page, `notice-${colorScheme}-${locale}-320`);
      const sizes = await page.evaluate(`(() => {
        const card = document.querySelector('.card').getBoundingClientRect();
        const button = document.querySelector('a').getBoundingClientRect();
        return {
          documentWidth: document.documentElement.scrollWidth,
          inCard: button.left >= card.left && button.right <= card.right,
          isHighEnough: button.height >= 44,
        };
      })()`);
      expect(sizes).toEqual({ documentWidth: 320, inCard: true, isHighEnough: true });
      const problems = await accessibilityProblems(page);
      expect(problems.filter((problem) => !/^(region|landmark-one-main)/.test(problem))).toEqual([]);
    }
  });
});

it('T60: Outlook for Windows gets a table with the width of the card, and only cells have padding', async () => {
  const { html } = await htmlOf({}, 'en');
  const [, opened = '', closed = ''] =
    /<!--\[if mso\]>(.*?)<!\[endif\]-->.*<!--\[if mso\]>(.*?)<!\[endif\]-->/s.exec(html) ?? [];
  expect(opened).toMatch(/^<table [^>]*width="600"[^>]*><tr><td>$/);
  expect(closed).toBe('</td></tr></table>');
  const padded = [...html.matchAll(/<(\w+)[^>]*style="[^"]*padding:(?!0[;"])/g)].map(([, tag]) => tag);
  expect(padded.length).toBeGreaterThan(2);
  expect(new Set(padded)).toEqual(new Set(['td']));
});
