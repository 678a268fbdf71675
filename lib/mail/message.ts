/** Builds the message of an email: by the template, or with the content that the app put in a code's place. */
import { randomUUID } from 'node:crypto';
import { messageOf, textOf } from '../errors.js';
import type { Locale } from '../locales/index.js';
import type { Settings } from '../options/options.js';
import { DeliveryError } from './delivery-error.js';
import type { Mail } from './mailer.js';
import { defaultTemplate, type MailContent } from './template.js';

/** Who gets what: a code, or content of the app's own. */
export interface Recipient {
  readonly email: string;
  readonly locale: Locale;
  readonly code?: string;
  readonly content?: MailContent;
}

/** An email that is worth sending while its code lives. */
export interface OutgoingEmail extends Recipient {
  /** How long its code lives in all, in ms, and when it ends, by `Date.now()`. */
  readonly lifetime: number;
  readonly expiresAt: number;
}

export type BuiltMessage =
  | { readonly kind: 'built'; readonly message: Mail }
  /** The app's template is broken. An email that could not be built has not left, so it ends as a failed one. */
  | { readonly kind: 'failed'; readonly error: DeliveryError };

/**
 * One recipient and nobody else, whatever defaults the transporter has: the address as it was keyed, in the
 * envelope as in the header, never parsed again (RFC 5321 §3.3). The code is valid for `lifetime` ms.
 */
export function buildMessage(recipient: Recipient, lifetime: number, settings: Settings): BuiltMessage {
  const { email, locale, code } = recipient;
  const { from, origin } = settings;
  let content: MailContent;
  try {
    content = contentOf(recipient, lifetime, settings);
  } catch (thrown) {
    return {
      kind: 'failed',
      error: new DeliveryError('failed', { code: 'ETEMPLATE' }, withoutSecrets(thrown, recipient)),
    };
  }
  const message: Mail = {
    from,
    to: { name: '', address: email },
    cc: undefined,
    bcc: undefined,
    envelope: { from: from.address, to: [email] },
    maxRecipients: 1,
    ...content,
    headers: {
      // RFC 3834 §5: no holiday note comes back. Exchange knows its own header alone (MS-OXCMAIL §2.1.3.2.20).
      'Auto-Submitted': 'auto-generated',
      'X-Auto-Response-Suppress': 'All',
      // Gmail puts emails of one sender and subject into one thread and folds the newest away, unless these differ.
      'X-Entity-Ref-ID': randomUUID(),
      'Content-Language': locale.tag,
    },
    ...(origin !== undefined && code !== undefined && { otp: { code, origin } }),
  };
  return { kind: 'built', message };
}

function contentOf({ locale, code, content }: Recipient, lifetime: number, settings: Settings): MailContent {
  const { appName, originHost, codeInSubject, template } = settings;
  if (content !== undefined) return checked('The mail of beforeSend must be', content);
  const written = template({
    code: code ?? '',
    expiresIn: Math.ceil(lifetime / 1000),
    appName,
    locale,
    originHost,
    codeInSubject,
  });
  return checked('template must return', written);
}

/** Three strings and nothing else: nodemailer would also take files and URLs, more recipients and headers. */
function checked(demand: string, content: MailContent): MailContent {
  const { subject, text, html } = content ?? {};
  if (typeof subject === 'string' && isWords(text) && isWords(html) && (text ?? html) !== undefined) {
    return { subject, text, html };
  }
  // A template that is asynchronous may reject as well, and nobody would hear it.
  Promise.resolve(content).catch(() => {});
  throw new TypeError(`${demand} { subject, text, html }, each a string.`);
}

/** An app in JavaScript may leave one of the two bodies out. */
function isWords(part: unknown): boolean {
  return part === undefined || typeof part === 'string';
}

/** What a template is tried with: as long as a code, and with a zero in front. */
const SAMPLE_CODE = '0123456789';

/**
 * Tries the template once in each language, so that a mistake in it ends the start and no sign-up.
 *
 * @throws TypeError with what the template threw as its cause.
 */
export function checkTemplate(settings: Settings): void {
  const code = SAMPLE_CODE.slice(0, settings.codeLength);
  for (const [tag, locale] of settings.locales) {
    try {
      contentOf({ email: '', locale, code }, settings.codeTtl, settings);
    } catch (cause) {
      const option = settings.template === defaultTemplate ? `locales.${tag}` : 'template';
      const place = option === 'template' ? ` in the language '${tag}'` : '';
      throw new TypeError(`The \`${option}\` option cannot write an email${place}: ${messageOf(cause)}`, {
        cause,
      });
    }
  }
}

/**
 * What the app's code threw, for the app's eyes: where, and in which words. Those may quote the code it was
 * given, so they lose their digits, and what else hangs on the error stays behind.
 */
function withoutSecrets(thrown: unknown, { email, code = '' }: Recipient): Error {
  const inWords = (text: string) =>
    text
      .replace(/[^\s<>"'(]+@[^\s<>"')]+/g, '***')
      .replaceAll(code || '\0', '######')
      .replace(/\p{Nd}/gu, '#');
  const message = messageOf(thrown);
  const error = new Error(inWords(message));
  const name = textOf(thrown, 'name');
  if (name !== undefined) error.name = inWords(name);
  // A line of the message can look like a place in the code.
  const stack = textOf(thrown, 'stack') ?? '';
  const places = stack.slice(stack.includes(message) ? stack.indexOf(message) + message.length : 0);
  const frames = places
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .map((line) => line.replaceAll(code || '\0', '######').replaceAll(email || '\0', '***'));
  error.stack = [`${error.name}: ${error.message}`, ...frames].join('\n');
  return error;
}
