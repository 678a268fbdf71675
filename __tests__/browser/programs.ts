/** Finds installed programs. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The program that an environment variable names, else the first of `names` on the PATH or in `otherFolders`. */
export function findProgram(
  variable: string,
  names: readonly string[],
  otherFolders: readonly string[] = [],
): string | undefined {
  const named = process.env[variable];
  if (named) return named;
  const folders = [...(process.env['PATH'] ?? '').split(delimiter).filter(Boolean), ...otherFolders];
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(existsSync);
}
