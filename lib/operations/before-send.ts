/** The app's say before each send: a captcha, a block list, an address that already has an account. */
import type { Request } from 'express';
import type { MailContent } from '../mail/template.js';
import { refuse } from '../options/checks.js';
import { askHook } from './hook.js';

/** What the app is told of a send. */
export interface SendAttempt {
  /** The canonical address. */
  readonly email: string;
  readonly purpose: string;
  /** The language of the answer, as a tag. */
  readonly locale: string;
  /** The request, when the send came by HTTP or was handed one. */
  readonly request?: Request;
}

/**
 * What the app may say. `refuse` is answered 403. `suppress` is answered as if a code had been sent, and none
 * is, so that nobody learns who has an account; with a `mail`, that mail goes in its place.
 */
export type SendVerdict =
  // biome-ignore lint/suspicious/noConfusingVoidType: a hook without a say returns nothing
  | void
  | undefined
  | { readonly kind: 'refuse'; readonly message?: string }
  | { readonly kind: 'suppress'; readonly mail?: MailContent };

export type BeforeSend = (attempt: SendAttempt) => SendVerdict | Promise<SendVerdict>;

export type HookOutcome =
  | NonNullable<Exclude<SendVerdict, void>>
  | { readonly kind: 'pass' }
  | { readonly kind: 'late' };

/** Asks the app, and waits `timeout` ms at most. What the hook throws is the app's own error and is passed on. */
export async function askBeforeSend(
  hook: BeforeSend | undefined,
  attempt: SendAttempt,
  timeout: number,
): Promise<HookOutcome> {
  if (!hook) return { kind: 'pass' };
  const answer = await askHook(() => hook(attempt), timeout);
  return answer.kind === 'late' ? answer : outcomeOf(answer.value);
}

function outcomeOf(verdict: SendVerdict): HookOutcome {
  if (verdict === undefined || verdict === null) return { kind: 'pass' };
  if (verdict.kind === 'refuse' || verdict.kind === 'suppress') return verdict;
  return refuse(
    'beforeSend',
    "a function that returns nothing, { kind: 'refuse' } or { kind: 'suppress' }",
    verdict,
  );
}
