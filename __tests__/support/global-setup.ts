/** Before any test: a Redis is found, or fetched once, and not by each worker on its own. */
import { join } from 'node:path';
import { require as requireTypeScript } from 'tsx/cjs/api';

const BINARY = join(__dirname, '../../demo-app/development/redis-binary.ts');

export default async function globalSetup(): Promise<void> {
  // Jest maps no module names here, so the `.js` of our imports is read by tsx.
  const { findRedisServer }: typeof import('../../demo-app/development/redis-binary.js') = requireTypeScript(
    BINARY,
    __filename,
  );
  await findRedisServer((sentence) => console.log(sentence));
}
