/** Chromium and Firefox, both by puppeteer-core: it speaks the protocol of each (CDP, WebDriver BiDi). */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import puppeteer, { type Browser, type Page } from 'puppeteer-core';
import { startWatchdog } from '../../../demo-app/dev/watchdog.js';
import { executablePath } from '../browser.js';
import { findProgram } from '../programs.js';
import type { Engine, Key, RunningEngine, Tab } from './engine.js';

/** More than any browser takes to start, in ms, on however busy a machine. */
const TIMEOUT = 90_000;

const firefoxPath = findProgram('FIREFOX_PATH', ['firefox-esr', 'firefox']);

export const chromium: Engine = {
  name: 'Chromium',
  programs: { CHROMIUM_PATH: executablePath },
  async start({ dark, width, height }) {
    const browser = await puppeteer.launch({
      browser: 'chrome',
      executablePath,
      headless: 'shell',
      // Closes with this process, even if that is killed.
      pipe: true,
      // Chromium's sandbox does not work for root, as in a container.
      args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
      // People's browsers have one.
      ignoreDefaultArgs: ['--disable-back-forward-cache'],
      defaultViewport: { width, height },
      timeout: TIMEOUT,
    });
    return runningEngine(browser, (page) =>
      page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }]),
    );
  },
};

export const firefox: Engine = {
  name: 'Firefox',
  programs: { FIREFOX_PATH: firefoxPath },
  async start({ dark, width, height }) {
    const profile = await mkdtemp(join(tmpdir(), 'firefox-'));
    const watchdog = startWatchdog(profile);
    try {
      const browser = await puppeteer.launch({
        browser: 'firefox',
        executablePath: firefoxPath,
        userDataDir: profile,
        extraPrefsFirefox: { 'layout.css.prefers-color-scheme.content-override': dark ? 0 : 1 },
        defaultViewport: { width, height },
        timeout: TIMEOUT,
      });
      const { pid } = browser.process() ?? {};
      if (pid)
        watchdog.watch({ pid, exited: new Promise((resolve) => browser.once('disconnected', resolve)) });
      const running = runningEngine(browser);
      return { ...running, close: () => running.close().finally(watchdog.stop) };
    } catch (error) {
      watchdog.stop();
      throw error;
    }
  },
};

function runningEngine(browser: Browser, prepare?: (page: Page) => Promise<void>): RunningEngine {
  return {
    async person() {
      const context = await browser.createBrowserContext();
      return {
        async newTab() {
          const page = await context.newPage();
          page.setDefaultTimeout(TIMEOUT);
          await prepare?.(page);
          return tabOf(page);
        },
        close: () => context.close(),
      };
    },
    close: () => browser.close(),
  };
}

function tabOf(page: Page): Tab {
  return {
    async goto(url) {
      await page.goto(url);
    },
    evaluate: (expression) => page.evaluate(expression),
    click: (selector) => page.click(selector),
    type: (text) => page.keyboard.type(text),
    press: (key) => press(page, key),
    screenshot: () => page.screenshot(),
  };
}

async function press({ keyboard }: Page, key: Key): Promise<void> {
  switch (key) {
    case 'Enter':
    case 'Tab':
    case 'Backspace':
      return keyboard.press(key);
    case 'Control+a':
      return withControl('a');
    case 'Control+c':
      return withControl('c');
    case 'Control+v':
      return withControl('v');
  }

  async function withControl(letter: 'a' | 'c' | 'v'): Promise<void> {
    await keyboard.down('Control');
    await keyboard.press(letter);
    await keyboard.up('Control');
  }
}
