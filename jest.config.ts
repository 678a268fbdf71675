import type { Config } from 'jest';

/** What every project shares: ts-jest, and the package under its own name, as its users import it. */
const base: Config = {
  testEnvironment: 'node',
  transform: { '^.+\\.ts$': ['ts-jest', { diagnostics: false }] },
  moduleNameMapper: {
    '^express-email-verification$': '<rootDir>/lib/index.ts',
    '^express-email-verification/client$': '<rootDir>/lib/client.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/node_modules/.cache/'],
};

const config: Config = {
  projects: [
    {
      ...base,
      displayName: 'main',
      testMatch: ['<rootDir>/__tests__/**/*.test.ts'],
    },
  ],
};

export default config;
