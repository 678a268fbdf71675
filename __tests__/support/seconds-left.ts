/** Remaining whole seconds, which run down while the answer is on its way: on a busy machine a few have passed. */

/** How many seconds may have passed. */
const MOST = 30;

/** Typed as the number it stands for, so that it fits into an expected answer. */
export function secondsLeft(of: number): number {
  const matcher: unknown = {
    asymmetricMatch: (seconds: unknown) =>
      Number.isInteger(seconds) && Number(seconds) <= of && Number(seconds) > of - MOST,
    toString: () => 'secondsLeft',
    getExpectedType: () => 'number',
    toAsymmetricMatcher: () => `secondsLeft<${of}>`,
    $$typeof: Symbol.for('jest.asymmetricMatcher'),
  };
  return matcher as number;
}
