/** The `beforeSend` option: a captcha, a block list, an address that already has an account. */
import type { Request } from 'express';
import { refuse } from '../checks.js';
import type { Locale } from '../locales/index.js';
import type { MailContent } from '../mail/template.js';
import { callHook } from './hook.js';

/** What the hook receives. */
export interface SendAttempt {
  /** The canonical address. */
  readonly email: string;
  readonly purpose: string;
  /** The language tag of the response. */
  readonly locale: string;
  /** The request, if the send came over HTTP or was passed one. */
  readonly request?: Request;
}

/**
 * What the hook may return. Without a result, the send goes on. `refuse` makes the response a 403. With `suppress`, the response is
 * the same as if a code had been sent, but none is, so that nobody can find out who has an account. With a `mail`, that
 * email is sent instead. A `message` may depend on the texts of the response's language.
 */
export type SendVerdict =
  // biome-ignore lint/suspicious/noConfusingVoidType: a hook that lets the send pass returns nothing
  | void
  | undefined
  | { readonly kind: 'refuse'; readonly message?: string | ((answers: Locale['answers']) => string) }
  | { readonly kind: 'suppress'; readonly mail?: MailContent };

export type BeforeSend = (attempt: SendAttempt) => SendVerdict | Promise<SendVerdict>;

export type HookOutcome =
  | Extract<SendVerdict, { kind: 'refuse' }>
  | { readonly kind: 'suppress'; readonly mail: MailContent | undefined }
  | { readonly kind: 'pass' }
  | { readonly kind: 'late' };

/** Waits at most `timeout` ms. An error that the hook throws is the app's own and is passed on. */
export async function callBeforeSend(
  hook: BeforeSend | undefined,
  attempt: SendAttempt,
  timeout: number,
): Promise<HookOutcome> {
  if (!hook) return { kind: 'pass' };
  const result = await callHook(() => hook(attempt), timeout);
  return result.kind === 'late' ? result : outcomeOf(result.value);
}

/** Reads the verdict once. Reading may throw, and must do so before anything is stored. */
function outcomeOf(verdict: SendVerdict): HookOutcome {
  if (verdict === undefined || verdict === null) return { kind: 'pass' };
  if (verdict.kind === 'refuse') return { kind: 'refuse', message: verdict.message };
  if (verdict.kind === 'suppress') return { kind: 'suppress', mail: verdict.mail };
  return refuse(
    'beforeSend',
    "a function that returns nothing, { kind: 'refuse' } or { kind: 'suppress' }",
    verdict,
  );
}
