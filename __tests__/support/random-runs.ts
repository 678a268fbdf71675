/**
 * How many random cases a test draws: as many as it says, times RANDOM_RUNS.
 *
 * @example RANDOM_RUNS=0.1 npm test   # soon done
 * @example RANDOM_RUNS=20 npx jest --selectProjects attack   # a night long
 */
export function randomRuns(count: number): number {
  return Math.ceil(count * Number(process.env['RANDOM_RUNS'] ?? 1));
}
