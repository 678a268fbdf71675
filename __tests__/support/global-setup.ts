/** Before any test: finds a Redis or downloads it once, instead of once in each worker. */
import { join } from 'node:path';
import { require as requireTypeScript } from 'tsx/cjs/api';

const BINARY = join(__dirname, '../../demo-app/dev/redis-binary.ts');

export default async function globalSetup(): Promise<void> {
  // Jest maps no module names here, so tsx resolves the `.js` of our imports.
  const { findRedisServer }: typeof import('../../demo-app/dev/redis-binary.js') = requireTypeScript(
    BINARY,
    __filename,
  );
  await findRedisServer((sentence) => console.log(sentence));
}
