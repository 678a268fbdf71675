/** How figures are combined and shown. */

/** The median of several rounds, with the lowest and the highest. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const median =
    ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2;
  return { median, min: sorted[0] ?? Number.NaN, max: sorted.at(-1) ?? Number.NaN };
}

export function median(values: readonly number[]): number {
  return spread(values).median;
}

/** `1.18 (1.12–1.25)`: compared round by round, so that a round on a busy machine is slow for both. */
export function ratio(ours: readonly number[], theirs: readonly number[], digits = 2): string {
  const { median, min, max } = spread(ours.map((value, round) => value / (theirs[round] ?? Number.NaN)));
  return `${median.toFixed(digits)} (${min.toFixed(digits)}–${max.toFixed(digits)})`;
}

export function whole(value: number): string {
  return Math.round(value).toLocaleString('en');
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((_, column) =>
    Math.max(...[head, ...rows].map((row) => (row[column] ?? '').length)),
  );
  const line = (row: readonly string[]) =>
    `| ${widths.map((width, column) => pad(row[column] ?? '', width, column)).join(' | ')} |`;
  const rule = `|${widths.map((width, column) => `${'-'.repeat(width + 1)}${column === 0 ? '-' : ':'}`).join('|')}|`;
  return [line(head), rule, ...rows.map(line)].join('\n');
}

function pad(text: string, width: number, column: number): string {
  return column === 0 ? text.padEnd(width) : text.padStart(width);
}

/** Progress goes to the terminal only; the tables go to stdout. */
export function progress(sentence: string): void {
  process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${sentence}` : `${sentence}\n`);
}
