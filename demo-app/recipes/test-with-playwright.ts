/** Tests a sign-up in a browser with Playwright: the code comes from the route of the recipe `expose-codes.ts`. */

import { expect, test } from '@playwright/test';

test.use({ baseURL: process.env['BASE_URL'] ?? 'http://localhost:3000' });

test('verifies an address', async ({ page, request }) => {
  // A new address for each run, so that no earlier run counts toward its limits.
  const email = `person-${Date.now()}@example.com`;
  await page.goto('/');
  await page.getByLabel('Email address').fill(email);
  await page.getByRole('button', { name: 'Send code' }).click();

  // Waits for the code, and fails with what arrived instead.
  const response = await request.get(`/test-codes/${encodeURIComponent(email)}`);
  await expect(response, await response.text()).toBeOK();
  const { code } = await response.json();

  await page.getByLabel('Code').fill(code);
  await page.getByRole('button', { name: 'Verify' }).click();
  await expect(page.getByRole('status')).toHaveText('Your email address is verified.');
});
