/** All operations of one verification. They do not know HTTP: routes, resolvers and jobs call the same ones. */
import { messageOf } from '../errors.js';
import { createQueue } from '../mail/queue.js';
import type { Settings } from '../options/options.js';
import { type BrowserProofs, createBrowserProofs } from './browser-proof.js';
import { createOperationContext, type OperationContext } from './context.js';
import { createInputParsers, type InputParsers } from './input.js';
import { createRedeem, type Redeem } from './redeem.js';
import { createSend, type Send } from './send.js';
import { createSupport, type Support } from './support.js';
import { createVerify, type Verify } from './verify.js';

export interface Operations extends OperationContext, Send, Redeem, Support {
  readonly parsers: InputParsers;
  readonly verify: Verify;
  /** Undefined without `browserProof`. */
  readonly proofs: BrowserProofs | undefined;
  /** How many emails are in memory until their outcome is recorded. */
  queueSize(): number;
  /** The problems of the store and the transport, as sentences. */
  check(): Promise<readonly string[]>;
  close(): Promise<void>;
}

export function createOperations(settings: Settings): Operations {
  const context = createOperationContext(settings);
  const parsers = createInputParsers(settings);
  const proofs = createBrowserProofs(context);
  const queue = createQueue(settings);
  return {
    ...context,
    ...createSend(context, queue, proofs),
    ...createRedeem(context, parsers),
    ...createSupport(context, parsers),
    parsers,
    proofs,
    verify: createVerify(context),
    async check() {
      const store = settings.store
        .check(settings.storeTimeout)
        .catch((cause: unknown) => [`The store is unavailable: ${messageOf(cause)}`]);
      return (await Promise.all([store, queue.check()])).flat();
    },
    queueSize: () => queue.size(),
    close: () => queue.close(),
  };
}
