/**
 * How many random cases a test draws: all that it names in CI, a fifth of them elsewhere, so that `npm test` is soon
 * done; RANDOM_RUNS says it otherwise.
 *
 * @example CI=true npm test   # all of them
 * @example RANDOM_RUNS=20 npx jest --selectProjects attack   # a night long
 */
const SHARE = Number(process.env['RANDOM_RUNS'] ?? (process.env['CI'] === 'true' ? 1 : 0.2));

export function randomRuns(count: number): number {
  return Math.ceil(count * SHARE);
}
