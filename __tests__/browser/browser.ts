/**
 * Chromium for the browser tests: the one in CHROMIUM_PATH, else the first one on the PATH. Without one, the tests
 * are skipped with a warning; in CI, they fail.
 */
import { mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from 'playwright-core';
import { findProgram } from './programs.js';

const NAMES = ['chromium', 'chromium-headless-shell', 'google-chrome', 'chrome'];

export const executablePath = findProgram('CHROMIUM_PATH', NAMES);

/** `describe`, if a browser is available. */
export function describeInBrowser(name: string, tests: () => void): void {
  describe(name, executablePath ? tests : withoutBrowser);
}

function withoutBrowser(): void {
  const advice = 'install it, or set CHROMIUM_PATH';
  if (!process.env['CI'])
    console.warn(`The browser tests are skipped, because Chromium was not found (${advice}).`);
  const test = process.env['CI'] ? it : it.skip;
  test('needs Chromium', () => {
    throw new Error(`Chromium was not found: ${advice}.`);
  });
}

/** More than any page takes, in ms, on however busy a machine. */
const TIMEOUT = 90_000;

/** One browser per test file, with a new context for each person. */
export function useBrowser() {
  let browser: Browser | undefined;
  const contexts: BrowserContext[] = [];

  beforeAll(async () => {
    browser = await chromium.launch({
      executablePath,
      // Chromium's sandbox does not work for root, as in a container.
      chromiumSandbox: process.getuid?.() !== 0,
      args: ['--disable-gpu', '--disable-background-networking', '--no-first-run'],
      timeout: TIMEOUT,
    });
  });
  afterEach(async () => {
    for (const context of contexts.splice(0)) await context.close();
  });
  afterAll(() => browser?.close());

  return {
    /** A person with their own cookies and tabs. */
    async person(options: BrowserContextOptions = {}): Promise<BrowserContext> {
      if (!browser) throw new Error('The browser of useBrowser() is available only in tests.');
      const context = await browser.newContext({
        locale: 'en-US',
        viewport: { width: 1100, height: 900 },
        ...options,
      });
      context.setDefaultTimeout(TIMEOUT);
      contexts.push(context);
      return context;
    },
  };
}

const SCREENSHOTS = resolve(__dirname, '../../screenshots');

export async function screenshot(page: Page, name: string): Promise<void> {
  mkdirSync(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true, animations: 'disabled' });
}

interface Violation {
  readonly id: string;
  readonly help: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
}

let axe: Promise<string> | undefined;

/** The violations that axe-core finds in a page, one line each. */
export async function accessibilityProblems(page: Page): Promise<string[]> {
  axe ??= readFile(require.resolve('axe-core/axe.min.js'), 'utf8');
  // Evaluated by the browser itself, so the page's Content-Security-Policy does not apply.
  await page.evaluate(await axe);
  const found: { violations: Violation[] } = await page.evaluate(
    'axe.run(document, { iframes: false, resultTypes: ["violations"], rules: { region: { enabled: true } } })',
  );
  return found.violations.map(
    ({ id, help, nodes }) =>
      `${id}: ${help}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join(' | ')}`,
  );
}
