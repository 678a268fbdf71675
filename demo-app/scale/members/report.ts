/** What a process of the fleet tells the one that started it, with which it ends. */
import { once } from 'node:events';

export type Report =
  | { readonly kind: 'ready'; readonly port?: number }
  | { readonly kind: 'metrics'; readonly metrics: readonly Measurement[] }
  /** The mail server received an email. */
  | { readonly kind: 'email'; readonly to: string; readonly code: string; readonly messageId: string }
  /** A worker gave up on an email, and said so. The address is masked, its domain is not. */
  | { readonly kind: 'undelivered'; readonly domain: string };

/** What was counted or timed since the last report, except for the size of a queue, which is as it is. */
export interface Measurement {
  readonly name: string;
  readonly purpose: string;
  readonly operation: string;
  readonly outcome: string;
  readonly value: number | Histogram;
}

export interface Histogram {
  readonly boundaries: readonly number[];
  readonly counts: readonly number[];
}

export function report(message: Report): void {
  if (process.connected) process.send?.(message);
}

/** Ends this process on SIGTERM, after `close`, and when its parent ends, however that ends. */
export async function untilTold(close: () => Promise<unknown>): Promise<void> {
  await once(process, 'SIGTERM');
  await close();
  process.exit(0);
}

const endAtOnce = () => process.exit(1);
process.once('disconnect', endAtOnce);
if (!process.connected) endAtOnce();
