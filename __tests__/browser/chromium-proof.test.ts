/**
 * The sign-up of the demo in a browser that proves the address by itself: Chromium 153 or later, with its switch for the Email
 * Verification Protocol. The headless shell, which the other tests use, cannot. Without the whole Chromium, this is skipped.
 */
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import puppeteer, { type Browser, type Page } from 'puppeteer-core';
import { EMAIL, ISSUER, useIssuer } from '../support/issuer.js';
import { until } from '../support/until.js';
import { useDemo } from './demo-server.js';
import { findProgram } from './programs.js';

const executablePath = findProgram('CHROMIUM_PATH', ['chromium']);

function isWhole(program: string): boolean {
  if (program.includes('headless')) return false;
  const [, major = ''] = /(\d+)\./.exec(execFileSync(program, ['--version'], { encoding: 'utf8' })) ?? [];
  return Number(major) >= 153;
}

/** What a test presses in a step to get a proof. */
const NEXT: Record<string, string> = {
  address: '[data-step="address"] button',
  code: '[data-step="code"] a[href="/sign-up"]',
};

const describeInChromium = executablePath && isWhole(executablePath) ? describe : describe.skip;

describeInChromium('Chromium with the Email Verification Protocol', () => {
  const demo = useDemo();
  const issuer = useIssuer();
  let browser: Browser | undefined;
  let profile: string;

  beforeEach(async () => {
    profile = await mkdtemp(join(tmpdir(), 'chromium-'));
  });
  afterEach(async () => {
    await browser?.close();
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  });

  /** @param isAllowed What the person answered when Chromium asked whether to verify the address automatically. */
  async function open(isAllowed: boolean): Promise<Page> {
    const allowed = { allowed: isAllowed, issuer_site: `https://${ISSUER.slice(ISSUER.indexOf('.') + 1)}` };
    const preferences = {
      autofill: { email_verification_state: { [EMAIL]: { ...allowed, timestamp: '1' } } },
    };
    await mkdir(join(profile, 'Default'));
    await writeFile(join(profile, 'Default', 'Preferences'), JSON.stringify(preferences));
    const hosts = ['dns.google', ISSUER, 'issuer.example'];
    const rules = hosts.map((host) => `MAP ${host} 127.0.0.1:${issuer.portOf()}`);
    browser = await puppeteer.launch({
      executablePath,
      // Some of the usual ones turn the feature off.
      ignoreDefaultArgs: true,
      timeout: 90_000,
      args: [
        ...['--headless=new', '--no-first-run', '--disable-gpu', '--disable-background-networking'],
        ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
        ...['--remote-debugging-port=0', `--user-data-dir=${profile}`, '--lang=en-US'],
        ...['--enable-features=EmailVerificationProtocol', '--ignore-certificate-errors'],
        `--host-resolver-rules=${rules.join(', ')}, MAP * ~NOTFOUND, EXCLUDE localhost`,
        'about:blank',
      ],
    });
    const page = await browser.newPage();
    page.setDefaultTimeout(90_000);
    return page;
  }

  async function enterAddress(page: Page): Promise<void> {
    const { origins: _origins, ...options } = issuer.optionsOf();
    issuer.serveBrowsers();
    await page.goto(`https://${ISSUER}/`);
    await page.goto(await demo.start({}, { issuer: options }));
    await until('there is a nonce', () =>
      page.$eval('[name="proof"]', (field) => Reflect.get(field, 'nonce') !== ''),
    );
    await page.type('#address-email', EMAIL);
    await page.keyboard.press('Tab');
  }

  const shown = (page: Page) =>
    page.$eval('[data-step]:not([hidden])', (step) =>
      String(Reflect.get(Reflect.get(step, 'dataset'), 'step')),
    );

  it('leads a person who is signed in to the provider straight to the account', async () => {
    const page = await open(true);
    await enterAddress(page);
    await until('the browser has asked for a token', () => issuer.calls.includes(`${ISSUER}/issuance`));
    // Whoever is faster than the browser gets a code, and may return to the address.
    await until('the address is verified', async () => {
      const step = await shown(page);
      if (step === 'account') return true;
      // The answer to the last press may have shown another step in the meantime.
      await page.click(NEXT[step] ?? '').catch(() => undefined);
      return false;
    });
    expect(await page.$eval('#account-email', (field) => Reflect.get(field, 'value'))).toBe(EMAIL);
  });

  it('sends the code to a person who has declined', async () => {
    const page = await open(false);
    await enterAddress(page);
    await page.click('[data-step="address"] button');
    await until('the code can be entered', async () => (await shown(page)) === 'code');
    expect(await demo.mail.lastCode(EMAIL)).toMatch(/^\d{6}$/);
    expect(issuer.calls).not.toContain(`${ISSUER}/issuance`);
  });
});
