/** What a person sees and does on the sign-up pages. */
import type { Page } from 'playwright-core';
import { until } from '../support/until.js';

export const PASSWORD = 'four words in a row';

export const step = (page: Page, name: 'address' | 'code' | 'account') =>
  page.locator(`[data-step="${name}"]:not([hidden])`).waitFor();

/** The ID of the focused element. */
export const focused = (page: Page) => page.evaluate('document.activeElement.id');

export async function askForCode(page: Page, email: string): Promise<void> {
  await page.fill('#address-email', email);
  await page.click('[data-step="address"] button');
  await step(page, 'code');
}

export const typeCode = (page: Page, code: string) => page.fill('#code-code', code);

export async function createAccount(page: Page): Promise<void> {
  await page.fill('#account-name', 'Minji');
  await page.fill('#account-password', PASSWORD);
  await page.click('[data-step="account"] button');
  await page.waitForURL('**/welcome');
}

/** The visible messages: errors of the form and of its fields, and the notice. */
export async function shownMessages(page: Page): Promise<string[]> {
  const shown = page.locator('[role="alert"]:visible, #notice:visible');
  await shown.first().waitFor();
  return (await shown.allTextContents()).filter(Boolean);
}

/** Polls from outside, because the Content-Security-Policy of the pages forbids waiting inside them. */
export async function titleBecomes(page: Page, title: string): Promise<void> {
  await until(`the title is ${title}`, async () => (await page.title()) === title);
}

/** The remaining seconds of a visible countdown. */
export async function secondsOf(page: Page, countdown: 'expires-in' | 'resend-in'): Promise<number> {
  const text = (await page.locator(`#${countdown} time:visible`).textContent()) ?? '';
  const [minutes = 0, seconds = 0] = text.split(':').map(Number);
  return minutes * 60 + seconds;
}

export const wrong = (code: string) => (code === '000000' ? '000001' : '000000');
