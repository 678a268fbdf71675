/** Playwright Test, for the recipe. Run by `test-with-playwright.test.ts`, which sets these variables. */
export default {
  testDir: '../../demo-app/recipes',
  testMatch: 'test-with-playwright.ts',
  outputDir: process.env.OUTPUT_FOLDER,
  reporter: 'line',
  workers: 1,
  // A busy machine may be slow.
  timeout: 90_000,
  expect: { timeout: 60_000 },
  use: {
    launchOptions: {
      executablePath: process.env.CHROMIUM_PATH,
      // Chromium's sandbox does not work for root, as in a container.
      chromiumSandbox: process.getuid?.() !== 0,
      args: ['--disable-gpu', '--disable-background-networking', '--no-first-run'],
    },
  },
};
