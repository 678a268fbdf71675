/** The charts of the page, as paths for SVG. */
import type { PageParts } from './page.js';

export interface Chart {
  readonly title: string;
  /** The highest value, as text. */
  readonly highest: string;
  readonly lines: readonly { readonly name: string; readonly path: string; readonly latest: string }[];
  /** Where something was killed. */
  readonly marks: readonly number[];
}

export const [WIDTH, HEIGHT] = [300, 80];

type Values = readonly (number | undefined)[];

export function charts({ rates, ledger }: Pick<PageParts, 'rates' | 'ledger'>): readonly Chart[] {
  const times = rates.times();
  const [begin = 0, end = 0] = [times[0], times.at(-1)];
  const marks = ledger.incidents
    .map(({ at }) => (at - begin) / (end - begin))
    .filter((place) => place > 0 && place <= 1)
    .map((place) => Math.round(place * WIDTH));

  function chart(
    title: string,
    unit: (value: number) => string,
    named: Readonly<Record<string, Values>>,
  ): Chart {
    const highest = Math.max(
      ...Object.values(named).flatMap((values) => values.map((value = 0) => value)),
      0,
    );
    const lines = Object.entries(named).map(([name, values]) => {
      const latest = values.at(-1);
      return { name, path: pathOf(values, highest), latest: latest === undefined ? 'none' : unit(latest) };
    });
    return { title, highest: unit(highest), lines, marks };
  }

  return [
    chart('Each second', (value) => value.toFixed(1), {
      sent: rates.perSecond('sent'),
      delivered: rates.perSecond('delivered'),
      verified: rates.perSecond('verified'),
    }),
    chart('Refused and failed each second', (value) => value.toFixed(1), {
      refused: rates.perSecond('refused'),
      failed: rates.perSecond('failed'),
    }),
    chart('Emails in the queue', String, { emails: rates.queueSizes() }),
    chart('99 of 100 operations take at most', duration, {
      send: rates.p99('send'),
      verify: rates.p99('verify'),
    }),
    chart('99 of 100 emails are sent within', duration, { email: rates.p99('email') }),
  ];
}

/** A line that has gaps where there are no values. */
function pathOf(values: Values, highest: number): string {
  const points = values.map((value, n) => {
    if (value === undefined) return '';
    const x = (n / Math.max(values.length - 1, 1)) * WIDTH;
    const y = (1 - value / (highest || 1)) * HEIGHT;
    return `${values[n - 1] === undefined ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`;
  });
  return points.join('');
}

/** @param seconds */
export function duration(seconds: number | undefined): string {
  if (seconds === undefined) return 'none';
  return seconds < 1 ? `${Math.round(seconds * 1000)} ms` : `${seconds.toFixed(1)} s`;
}
