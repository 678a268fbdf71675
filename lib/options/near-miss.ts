/** The known name that is at most two typing mistakes away, if any. Case does not count. */
export function nearMiss(name: string, known: Iterable<string>): string | undefined {
  const allowed = Math.min(2, Math.floor(name.length / 2));
  let nearest: string | undefined;
  let least = allowed + 1;
  for (const candidate of known) {
    const mistakes = distance(name.toLowerCase(), candidate.toLowerCase());
    if (mistakes < least) [nearest, least] = [candidate, mistakes];
  }
  return nearest;
}

/** Letters to add, drop, change, or swap with their neighbour (optimal string alignment). */
function distance(from: string, to: string): number {
  let before: number[] = [];
  let row = Array.from({ length: to.length + 1 }, (_, n) => n);
  for (let i = 1; i <= from.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= to.length; j += 1) {
      const change = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      const isSwapped = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
      const swap = isSwapped ? (before[j - 2] ?? 0) + 1 : change;
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, change, swap));
    }
    [before, row] = [row, next];
  }
  return row[to.length] ?? 0;
}
