/**
 * esbuild reads it, which tsx brings along, without a look at its types: `npm run check` takes that.
 *
 * @jest-config-loader esbuild-register
 */
import { availableParallelism } from 'node:os';
import type { Config } from 'jest';

/** Each is a folder of `__tests__/`, and runs alone too: `npx jest --selectProjects failure`. */
const PROJECTS = ['unit', 'package', 'docs', 'demo', 'recipes', 'attack', 'failure', 'browser'];

const CORES = availableParallelism();

/** What every project shares: ts-jest, and the package under its own name, as its users import it. */
const base: Config = {
  testEnvironment: 'node',
  globalSetup: '<rootDir>/__tests__/support/global-setup.ts',
  transform: { '^.+\\.ts$': ['ts-jest', { diagnostics: false }] },
  moduleNameMapper: {
    '^express-email-verification$': '<rootDir>/lib/index.ts',
    '^express-email-verification/client/proof$': '<rootDir>/lib/client/proof.ts',
    '^express-email-verification/(\\w+)$': '<rootDir>/lib/$1/$1.ts',
    '^express-email-verification/locales/([\\w-]+)$': '<rootDir>/lib/locales/$1.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/node_modules/.cache/'],
};

const config: Config = {
  // Says that a test hangs, however busy the machine is. How long something of ours may take, its test tells itself.
  testTimeout: 120_000,
  // On small machines two test files for each core: many mostly wait, for a server that stalls or a browser.
  maxWorkers: Math.max(CORES, Math.min(4, 2 * CORES)),
  testSequencer: '<rootDir>/__tests__/support/longest-first.cjs',
  projects: PROJECTS.map((name) => ({
    ...base,
    displayName: name,
    testMatch: [`<rootDir>/__tests__/${name}/**/*.test.ts`],
  })),
};

export default config;
