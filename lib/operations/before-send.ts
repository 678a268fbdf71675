/** The `beforeSend` option: a captcha, a block list, an address that already has an account. */
import { isPromise } from 'node:util/types';
import type { Request } from 'express';
import { readOptions, refuse } from '../checks.js';
import type { Locale } from '../locales/index.js';
import type { EmailWords } from '../mail/message.js';
import type { MailContent } from '../mail/template.js';
import { checkAppName, checkFrom, type Sender } from '../options/rules.js';
import { callHook } from './hook.js';

/** What the hook receives. */
export interface SendAttempt {
  /** The canonical address. */
  readonly email: string;
  readonly purpose: string;
  /** The language tag of the response. */
  readonly locale: string;
  /** The request, if the send came over HTTP or was passed one. */
  readonly request?: Request | undefined;
}

/**
 * What the hook may return. With nothing, the code is sent; with `send`, it is sent in the name of a tenant. With `refuse`,
 * the response is a 403, whose `message` may depend on the texts of its language. With `suppress`, the response is the same
 * as if a code had been sent, but none is, so that nobody can find out who has an account; with a `mail`, that email is
 * sent instead.
 */
export type SendVerdict =
  // biome-ignore lint/suspicious/noConfusingVoidType: a hook that lets the send pass returns nothing
  | void
  | undefined
  | SendInWords
  | {
      readonly kind: 'refuse';
      readonly message?: string | ((answers: Locale['answers']) => string) | undefined;
    }
  | {
      readonly kind: 'suppress';
      readonly mail?: MailContent | undefined;
      readonly from?: string | Sender | undefined;
    };

/** What the hook can choose for one email: its sender, the app's name, and data for the template. */
export interface SendInWords {
  readonly kind: 'send';
  /** The app's name in the email. @default the name in this `from`, else the `appName` option */
  readonly appName?: string | undefined;
  /** The sender. The transport must be allowed to send for it. @default the `from` option */
  readonly from?: string | Sender | undefined;
  /** Passed to the `template` as its `data`, such as the id of a tenant. */
  readonly data?: unknown;
}

export type BeforeSend = (attempt: SendAttempt) => SendVerdict | Promise<SendVerdict>;

export type HookOutcome =
  | Extract<SendVerdict, { kind: 'refuse' }>
  | { readonly kind: 'suppress'; readonly mail: MailContent | undefined; readonly words: EmailWords }
  | { readonly kind: 'pass'; readonly words?: EmailWords }
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
  switch (verdict.kind) {
    case 'refuse':
      return { kind: 'refuse', message: withoutRejection(verdict.message) };
    case 'suppress': {
      const mail = withoutRejection(verdict.mail);
      return { kind: 'suppress', mail, words: { from: senderOf(verdict.from) } };
    }
    case 'send':
      return { kind: 'pass', words: wordsOf(verdict) };
  }
  return refuse(
    'beforeSend',
    "a function that returns nothing, { kind: 'send' }, { kind: 'refuse' } or { kind: 'suppress' }",
    verdict,
  );
}

/** The message of a refusal, in the language of the response. */
export function refusalText(
  message: Extract<SendVerdict, { kind: 'refuse' }>['message'],
  answers: Locale['answers'],
): string {
  const text: unknown = (typeof message === 'function' ? message(answers) : message) ?? answers.refused;
  if (typeof text === 'string') return text;
  withoutRejection(text);
  return refuse('message', 'a string, or a function that returns one', text, RESULT);
}

const RESULT = 'the result of `beforeSend`';

/** Where a value belongs, a promise is refused or never awaited. If it rejects, that must not end the process. */
function withoutRejection<T>(value: T): T {
  if (isPromise(value)) value.catch(() => {});
  return value;
}

function wordsOf(verdict: SendInWords): EmailWords {
  const names = { kind: true, appName: true, from: true, data: true };
  const { appName, from, data } = readOptions(verdict, names, { of: RESULT });
  for (const value of [appName, data]) withoutRejection(value);
  const sender = senderOf(from);
  return { appName: checkAppName(appName, RESULT) ?? (sender?.name || undefined), from: sender, data };
}

function senderOf(from: string | Sender | undefined): Required<Sender> | undefined {
  return from === undefined ? undefined : checkFrom(withoutRejection(from), RESULT);
}
