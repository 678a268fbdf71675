/** Vitest, for the recipe and for what `/testing` promises in it. Run by `test-with-vitest.test.ts`. */
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

export default {
  root,
  test: {
    include: ['demo-app/recipes/test-with-vitest.ts', '__tests__/support/vitest-features.ts'],
    reporters: ['json'],
    watch: false,
  },
  resolve: {
    alias: [
      { find: /^express-email-verification$/, replacement: join(root, 'lib/index.ts') },
      { find: /^express-email-verification\/(\w+)$/, replacement: join(root, 'lib/$1/$1.ts') },
    ],
  },
};
