/** Chromium and Firefox, both by puppeteer-core: it speaks the protocol of each (CDP, WebDriver BiDi). */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import puppeteer, { type Browser, type LaunchOptions, type Page } from 'puppeteer-core';
import { startWatchdog } from '../../support/watchdog.js';
import { executablePath } from '../browser.js';
import { findProgram } from '../programs.js';
import type { Engine, Key, Person, RunningEngine, Tab } from './engine.js';

/** More than any browser takes to start, in ms, on however busy a machine. */
const TIMEOUT = 90_000;

const firefoxPath = findProgram('FIREFOX_PATH', ['firefox-esr', 'firefox']);

export const chromium: Engine = {
  name: 'Chromium',
  programs: { CHROMIUM_PATH: executablePath },
  start: ({ dark, width, height }) =>
    start(
      {
        browser: 'chrome',
        executablePath,
        headless: 'shell',
        // Chromium's sandbox does not work for root, as in a container.
        args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
        // People's browsers have one.
        ignoreDefaultArgs: ['--disable-back-forward-cache'],
        defaultViewport: { width, height },
      },
      (page) => page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }]),
    ),
};

export const firefox: Engine = {
  name: 'Firefox',
  programs: { FIREFOX_PATH: firefoxPath },
  start: ({ dark, width, height }) =>
    start({
      browser: 'firefox',
      executablePath: firefoxPath,
      extraPrefsFirefox: { 'layout.css.prefers-color-scheme.content-override': dark ? 0 : 1 },
      defaultViewport: { width, height },
    }),
};

/** Starts a browser that ends with this process, even if that is killed, and so does its profile. */
async function start(
  options: LaunchOptions,
  prepare?: (page: Page) => Promise<void>,
): Promise<RunningEngine> {
  const profile = await mkdtemp(join(tmpdir(), 'browser-'));
  const watchdog = startWatchdog(profile);
  try {
    const browser = await puppeteer.launch({ ...options, userDataDir: profile, timeout: TIMEOUT });
    const { pid } = browser.process() ?? {};
    const exited = new Promise((resolve) => browser.once('disconnected', resolve));
    if (pid) watchdog.watch({ pid, exited });
    return {
      person: () => newPerson(browser, prepare),
      close: () => browser.close().finally(watchdog.stop),
    };
  } catch (error) {
    watchdog.stop();
    throw error;
  }
}

async function newPerson(browser: Browser, prepare?: (page: Page) => Promise<void>): Promise<Person> {
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
