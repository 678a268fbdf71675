/** `demo-app/recipes/test-with-vitest.ts`, and what `/testing` promises in Vitest, in Vitest itself. */
import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';

const root = join(__dirname, '../..');
const vitest = join(dirname(require.resolve('vitest/package.json')), 'vitest.mjs');

it('passes in Vitest, as the store contract and the inbox do', async () => {
  const config = join(root, '__tests__/support/vitest.config.mjs');
  const report = await output([vitest, 'run', '--config', config]);
  const { numFailedTests, numPassedTests, testResults } = JSON.parse(report.slice(report.indexOf('{')));
  const failures = testResults.flatMap(({ message, assertionResults }: Results) => [
    ...(message ? [message] : []),
    ...assertionResults.flatMap(({ failureMessages }) => failureMessages),
  ]);
  expect(failures).toEqual([]);
  expect(numFailedTests).toBe(0);
  expect(numPassedTests).toBeGreaterThan(50);
  expect(testResults).toHaveLength(2);
});

interface Results {
  readonly message: string;
  readonly assertionResults: readonly { readonly failureMessages: readonly string[] }[];
}

/** What a script prints, whether or not it fails. */
function output(args: readonly string[]): Promise<string> {
  // Vitest would take itself for a worker of Jest.
  const { JEST_WORKER_ID: _worker, VITEST: _vitest, ...env } = process.env;
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { cwd: root, env, maxBuffer: 2 ** 24 }, (error, stdout, stderr) => {
      if (stdout.includes('{')) resolve(stdout);
      else reject(new Error(`Vitest printed no report: ${stderr}`, { cause: error }));
    });
  });
}
