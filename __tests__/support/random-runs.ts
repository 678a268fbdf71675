/**
 * How many random cases a test draws: all of them in CI and a fifth elsewhere, so that `npm test` is fast. RANDOM_RUNS
 * overrides this.
 *
 * @example CI=true npm test   # all of them
 * @example RANDOM_RUNS=20 npx jest --selectProjects attack   # all night long
 */
const SHARE = Number(process.env['RANDOM_RUNS'] ?? (process.env['CI'] === 'true' ? 1 : 0.2));

export function randomRuns(count: number): number {
  return Math.ceil(count * SHARE);
}
