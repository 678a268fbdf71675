/** The page of the fleet in a browser: its numbers, its buttons, and whether everybody can use it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { type FleetProcess, startFleetProcess } from '../support/fleet.js';
import { until } from '../support/until.js';
import { accessibilityProblems, describeInBrowser, screenshot, useBrowser } from './browser.js';

describeInBrowser('the page of the fleet', () => {
  const browser = useBrowser();
  let directory = '';
  let fleet: FleetProcess;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'fleet-'));
    fleet = await startFleetProcess(directory);
    await fleet.shows('people sign up', ({ totals }) => Number(totals['signedUp']) > 20);
  });
  afterAll(async () => {
    await fleet?.end();
    await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  });

  async function open(options: BrowserContextOptions = {}): Promise<{ page: Page; problems: string[] }> {
    const page = await (await browser.person(options)).newPage();
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(String(error)));
    page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
    await page.goto(fleet.url);
    return { page, problems };
  }

  const signedUp = async (page: Page) =>
    Number((await page.locator('.tiles strong').first().innerText()).replace(',', ''));

  it('shows how many sign up, and keeps up to date by itself', async () => {
    const { page, problems } = await open();
    const before = await signedUp(page);
    expect(before).toBeGreaterThan(0);
    await until('the number rises', async () => (await signedUp(page)) > before);
    expect(await page.locator('figure').count()).toBe(5);
    expect(await page.locator('figure path.line-0[d^="M"]').count()).toBeGreaterThan(5);

    // What moves by itself can be stopped.
    await page.getByRole('button', { name: 'Stop updating' }).click();
    await page.waitForTimeout(1500);
    const stopped = await signedUp(page);
    await fleet.shows('more people sign up', ({ totals }) => Number(totals['signedUp']) > stopped + 20);
    expect(await signedUp(page)).toBe(stopped);
    await page.getByRole('button', { name: 'Keep updating' }).click();
    await until('the number rises again', async () => (await signedUp(page)) > stopped);
    expect(problems).toEqual([]);
  });

  it('kills a worker by a button, and says what that cost', async () => {
    const { page, problems } = await open();
    const button = page.getByRole('button', { name: 'Kill a worker' });
    await button.focus();
    await page.keyboard.press('Enter');
    const row = page
      .getByRole('row')
      .filter({ has: page.getByRole('rowheader', { name: 'worker-1', exact: true }) });
    await row.filter({ hasText: 'down' }).waitFor();
    expect(await page.getByRole('status').innerText()).toBe('worker-1 was killed.');
    // The page changes around the button, which keeps the focus.
    expect(await page.locator('button:focus').innerText()).toBe('Kill a worker');
    expect(await row.first().getByRole('cell').last().innerText()).toBe('0');
    await screenshot(page, 'fleet');
    await row.filter({ hasText: 'running' }).waitFor();
    expect(problems).toEqual([]);
  });

  it('changes the rate', async () => {
    const { page } = await open();
    await page.getByLabel('Sign-ups a second').fill('10');
    await page.keyboard.press('Enter');
    await page.getByRole('status').filter({ hasText: '10 sign-ups a second.' }).waitFor();
    expect((await fleet.data()).rate).toBe(10);
  });

  it('works without script', async () => {
    const { page } = await open({ javaScriptEnabled: false });
    await page.getByRole('button', { name: 'Kill an app process' }).click();
    await page.getByRole('status').filter({ hasText: 'app-1 was killed.' }).waitFor();
    expect(new URL(page.url()).pathname).toBe('/');
  });

  it.each([
    ['light', { colorScheme: 'light' }],
    ['dark', { colorScheme: 'dark' }],
    ['forced colours', { forcedColors: 'active' }],
    ['narrow', { viewport: { width: 320, height: 800 } }],
  ] as const)('has no accessibility problem, and no text that is cut off: %s', async (name, options) => {
    const { page } = await open(options);
    await page.getByRole('heading', { name: 'A fleet on one machine' }).waitFor();
    expect(await accessibilityProblems(page)).toEqual([]);
    const width = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
    expect(width).toBeLessThanOrEqual(0);
    await screenshot(page, `fleet-${name.replace(' ', '-')}`);
  });

  it('says when the fleet is gone', async () => {
    const { page } = await open();
    expect(await page.getByRole('alert').count()).toBe(0);
    fleet.signal('SIGINT');
    await page.getByRole('alert').filter({ hasText: 'The fleet does not respond.' }).waitFor();
    expect(await fleet.exited).toBe(0);
  });
});
