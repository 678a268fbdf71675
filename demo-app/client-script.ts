/**
 * Serves the package's browser client. An app with a bundler imports `express-email-verification/client`; the demo
 * has no build step, so it strips the types when the script is first requested.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RequestHandler } from 'express';
import { ModuleKind, ScriptTarget, transpileModule } from 'typescript';

export const clientScript: RequestHandler = async (_req, res) => {
  script ??= transpile();
  res.type('js').send(await script);
};

let script: Promise<string> | undefined;

async function transpile(): Promise<string> {
  const source = await readFile(join(__dirname, '../lib/client/client.ts'), 'utf8');
  const compilerOptions = { module: ModuleKind.ESNext, target: ScriptTarget.ES2022 };
  return transpileModule(source, { compilerOptions }).outputText;
}
