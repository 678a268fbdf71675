/** What a person sees and does in a tab, whatever the engine. Every action waits until it is possible. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { until } from '../../support/until.js';
import type { Tab } from './engine.js';

/** More than any step takes, in ms, on however busy a machine. */
const TIMEOUT = 30_000;

export type EnginePage = ReturnType<typeof pageOf>;

const SCREENSHOTS = resolve(__dirname, '../../../screenshots/engines');

export function pageOf(tab: Tab) {
  const string = async (expression: string) => String((await tab.evaluate(expression)) ?? '');
  /** Polled from outside, because the Content-Security-Policy of the pages forbids waiting inside them. */
  const becomes = (expression: string) =>
    // While another page is loading, there is nothing to evaluate.
    until(`${expression} in the page`, () => tab.evaluate(expression).then(Boolean, () => false), TIMEOUT);
  const visible = (selector: string) => becomes(`(${IS_VISIBLE})(${one(selector)})`);

  const page = {
    goto: tab.goto,
    press: tab.press,
    evaluate: tab.evaluate,
    becomes,
    visible,
    hidden: (selector: string) => becomes(`!(${IS_VISIBLE})(${one(selector)})`),
    /** Waits for a page or a step with this path. */
    at: (path: string) => becomes(`location.pathname === ${JSON.stringify(path)}`),
    title: () => string('document.title'),
    path: () => string('location.pathname'),
    /** The ID of the focused element. */
    focused: () => string('document.activeElement.id'),
    value: (selector: string) => string(`${one(selector)}.value`),
    /** What is visible of an element. */
    async text(selector: string): Promise<string> {
      await visible(selector);
      return string(`${one(selector)}.innerText`);
    },
    /** What is visible of all elements that have text. */
    async texts(selector: string): Promise<readonly string[]> {
      const texts = `[...document.querySelectorAll(${JSON.stringify(selector)})].filter(${IS_VISIBLE})
        .map((one) => one.innerText.trim()).filter(Boolean)`;
      await becomes(`${texts}.length > 0`);
      return JSON.parse(await string(`JSON.stringify(${texts})`));
    },
    async click(selector: string): Promise<void> {
      await visible(selector);
      await tab.click(selector);
    },
    /** Types at the focus. */
    type: tab.type,
    async fill(selector: string, text: string): Promise<void> {
      await page.click(selector);
      await tab.press('Control+a');
      await tab.type(text);
      await becomes(`${one(selector)}.value === ${JSON.stringify(text)}`);
    },
    /** Copies a text and pastes it at the focus, with the keys that people press. */
    async paste(text: string): Promise<void> {
      await tab.evaluate(`(() => {
        globalThis.focusedBefore = document.activeElement;
        globalThis.copied = document.body.appendChild(document.createElement('textarea'));
        copied.value = ${JSON.stringify(text)};
        copied.select();
      })()`);
      await tab.press('Control+c');
      await tab.evaluate('(copied.remove(), focusedBefore.focus(), focusedBefore.select?.())');
      await tab.press('Control+v');
    },
    /** The Back button. A page of before may come out of the back/forward cache. */
    async back(): Promise<void> {
      // Later: an answer from a page that is gone would never come.
      await tab.evaluate('void setTimeout(() => history.back(), 0)');
    },
    async reload(): Promise<void> {
      await tab.evaluate('void (globalThis.isOld = true, setTimeout(() => location.reload(), 0))');
      await becomes('!globalThis.isOld && document.readyState === "complete"');
    },
    async screenshot(name: string): Promise<void> {
      // A script may have changed the page, and styles may be on their way, since the last frame.
      await tab.evaluate(`void (() => {
        globalThis.isPainted = false;
        for (const animation of document.getAnimations()) if (!isEndless(animation)) animation.finish();
        requestAnimationFrame(() => setTimeout(() => { isPainted = true; }));
        function isEndless({ effect }) { return effect.getComputedTiming().endTime === Infinity; }
      })()`);
      await becomes('isPainted');
      await mkdir(SCREENSHOTS, { recursive: true });
      await writeFile(join(SCREENSHOTS, `${name}.png`), await tab.screenshot());
    },
  };
  return page;
}

const one = (selector: string) => `document.querySelector(${JSON.stringify(selector)})`;

const IS_VISIBLE = '(one) => one?.checkVisibility({ visibilityProperty: true }) ?? false';
