/**
 * A Chromium for the tests of the pages: the one that CHROMIUM_PATH names, else the first on the PATH. Without
 * one these tests are skipped and say so; in CI that is a failure.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from 'playwright-core';

const NAMES = ['chromium', 'chromium-headless-shell', 'google-chrome', 'chrome'];

const executablePath = findChromium();

/** `describe` where there is a browser. */
export function describeInBrowser(name: string, tests: () => void): void {
  describe(name, executablePath ? tests : withoutBrowser);
}

function withoutBrowser(): void {
  const advice = 'install one, or name it in CHROMIUM_PATH';
  if (!process.env['CI'])
    console.warn(`The browser tests are skipped: there is no Chromium here (${advice}).`);
  const test = process.env['CI'] ? it : it.skip;
  test('needs a Chromium', () => {
    throw new Error(`There is no Chromium: ${advice}.`);
  });
}

function findChromium(): string | undefined {
  const named = process.env['CHROMIUM_PATH'];
  if (named) return named;
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter(Boolean);
  return NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) =>
    existsSync(path),
  );
}

/** One browser for a test file, and fresh people in it. */
export function useBrowser() {
  let browser: Browser | undefined;
  const contexts: BrowserContext[] = [];

  beforeAll(async () => {
    browser = await chromium.launch({
      executablePath,
      // Chromium's own sandbox does not run as root, as in a container.
      chromiumSandbox: process.getuid?.() !== 0,
      args: ['--disable-gpu', '--disable-background-networking', '--no-first-run'],
    });
  }, 60_000);
  afterEach(async () => {
    for (const context of contexts.splice(0)) await context.close();
  });
  afterAll(() => browser?.close());

  return {
    /** A person with cookies and tabs of their own. */
    async person(options: BrowserContextOptions = {}): Promise<BrowserContext> {
      if (!browser) throw new Error('useBrowser() gives nothing before the tests begin.');
      const context = await browser.newContext({
        locale: 'en-US',
        viewport: { width: 1100, height: 900 },
        ...options,
      });
      context.setDefaultTimeout(15_000);
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

/** What axe-core finds wrong with a page, in a line each. */
export async function accessibilityProblems(page: Page): Promise<string[]> {
  axe ??= readFile(require.resolve('axe-core/axe.min.js'), 'utf8');
  // Runs beside the page's own scripts, where its policy does not reach.
  await page.evaluate(await axe);
  const found: { violations: Violation[] } = await page.evaluate(
    'axe.run(document, { iframes: false, resultTypes: ["violations"], rules: { region: { enabled: true } } })',
  );
  return found.violations.map(
    ({ id, help, nodes }) =>
      `${id}: ${help}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join(' | ')}`,
  );
}
