/** Builds the message of an email: from the template, or from the content that the app sends instead of a code. */
import { domainToASCII } from 'node:url';
import { messageOf, textOf } from '../errors.js';
import type { Locale } from '../locales/index.js';
import type { Settings } from '../options/options.js';
import { DeliveryError } from './delivery-error.js';
import type { Mail } from './mailer.js';
import { defaultTemplate, type MailContent } from './template.js';

/** The recipient, and what the email holds: a code, or content of the app's own. */
export interface MessageInput {
  readonly email: string;
  readonly locale: Locale;
  /** Names the email in its headers and in events. It stays the same over all tries: at most one of them is sent. */
  readonly reference: string;
  readonly code?: string;
  readonly content?: MailContent;
  /** What `beforeSend` chose for this email. */
  readonly words?: EmailWords | undefined;
}

/** The sender of an email, the app's name in it, and data for its template. What is undefined is as in the options. */
export interface EmailWords {
  readonly from: { readonly name: string; readonly address: string } | undefined;
  readonly appName?: string | undefined;
  readonly data?: unknown;
}

/** An email with the validity of its code. It is not sent after that. */
export interface OutgoingEmail extends MessageInput {
  /** How long the code is valid in all, in ms. */
  readonly lifetime: number;
  /** When the code expires, by `Date.now()`. */
  readonly expiresAt: number;
}

export type BuiltMessage =
  | { readonly kind: 'built'; readonly message: Mail }
  /** The app's template is broken. The email was not sent, so its delivery has failed. */
  | { readonly kind: 'failed'; readonly error: DeliveryError };

/**
 * The message goes to one recipient and nobody else, whatever defaults the transporter has. Envelope and header hold
 * exactly the string that the store key is derived from; it is never parsed again (RFC 5321 §3.3).
 *
 * @param remaining how long the code is still valid, in ms
 */
export function buildMessage(input: MessageInput, remaining: number, settings: Settings): BuiltMessage {
  const { email, locale, code, reference } = input;
  const { origin } = settings;
  const from = input.words?.from ?? settings.from;
  let content: MailContent;
  try {
    content = contentOf(input, remaining, settings);
  } catch (thrown) {
    return {
      kind: 'failed',
      error: new DeliveryError('failed', { code: 'ETEMPLATE' }, withoutSecrets(thrown, input)),
    };
  }
  const message: Mail = {
    from,
    to: { name: '', address: email },
    cc: undefined,
    bcc: undefined,
    envelope: { from: from.address, to: [email] },
    maxRecipients: 1,
    messageId: messageIdOf(reference, from),
    ...content,
    // A header that differs from email to email must be filled in by prepared.ts as well.
    headers: {
      // Prevents automatic replies (RFC 3834 §5). Exchange only knows its own header (MS-OXCMAIL §2.1.3.2.20).
      'Auto-Submitted': 'auto-generated',
      'X-Auto-Response-Suppress': 'All',
      // Gmail groups emails with the same sender and subject and may collapse the newest, unless this header differs.
      'X-Entity-Ref-ID': reference,
      'Content-Language': locale.tag,
    },
    ...(origin !== undefined && code !== undefined && { otp: { code, origin } }),
  };
  return { kind: 'built', message };
}

/** The Message-ID (RFC 5322 §3.6.4). It holds the reference, so that a bounce that quotes either one tells both. */
export function messageIdOf(reference: string, { address }: { readonly address: string }): string {
  const domain = address.slice(address.lastIndexOf('@') + 1);
  return `<${reference}@${domainToASCII(domain) || domain}>`;
}

function contentOf(
  { email, locale, code, content, words }: Omit<MessageInput, 'reference'>,
  remaining: number,
  settings: Settings,
): MailContent {
  const { purpose, originHost, codeInSubject, template } = settings;
  if (content !== undefined) return checkContent('The `mail` of `beforeSend` must be', content);
  const written = template({
    email,
    code: code ?? '',
    expiresIn: Math.ceil(remaining / 1000),
    appName: words?.appName ?? settings.appName,
    purpose,
    data: words?.data,
    locale,
    originHost,
    codeInSubject,
  });
  return checkContent('The `template` option must return', written);
}

/** Only these three strings are passed on: nodemailer would also take files, URLs, more recipients and headers. */
function checkContent(expectation: string, content: MailContent): MailContent {
  const { subject, text, html } = content ?? {};
  if (typeof subject === 'string' && isBody(text) && isBody(html) && (text ?? html) !== undefined) {
    return { subject, text, html };
  }
  // If an asynchronous template rejects, the unhandled rejection would end the process.
  Promise.resolve(content).catch(() => {});
  throw new TypeError(`${expectation} { subject, text, html }, each a string.`);
}

/** An app in JavaScript may leave out one of the two bodies. */
function isBody(part: unknown): boolean {
  return part === undefined || typeof part === 'string';
}

/**
 * Tries the template once in each language when the app starts, so that a mistake in it is found before the first email.
 *
 * @throws TypeError with the error of the template as its cause.
 */
export function checkTemplate(settings: Settings): void {
  const code = settings.codes.write(settings.codes.samples[2]);
  for (const [tag, locale] of settings.locales) {
    try {
      contentOf({ email: EXAMPLE, locale, code }, settings.codeTtl, settings);
    } catch (cause) {
      const option = settings.template === defaultTemplate ? `locales.${tag}` : 'template';
      const place = option === 'template' ? ` in the language '${tag}'` : '';
      throw new TypeError(`The \`${option}\` option cannot write an email${place}: ${messageOf(cause)}`, {
        cause,
      });
    }
  }
}

const EXAMPLE = 'person@example.com';

/**
 * The error of the app's own code, reduced to its name, message and stack. These may quote the address and the code, so
 * addresses and all digits are masked.
 */
function withoutSecrets(thrown: unknown, { email, code = '' }: MessageInput): Error {
  const written = codePattern(code);
  const withoutCode = (text: string) => text.replaceAll(code || '\0', '######').replace(written, '######');
  const masked = (text: string) =>
    withoutCode(text.replace(/[^\s<>"'(]+@[^\s<>"')]+/g, '***')).replace(/\p{Nd}/gu, '#');
  const message = messageOf(thrown);
  const error = new Error(masked(message));
  const name = textOf(thrown, 'name');
  if (name !== undefined) error.name = masked(name);
  // A line of the message can look like a stack frame.
  const stack = textOf(thrown, 'stack') ?? '';
  const trace = stack.slice(stack.includes(message) ? stack.indexOf(message) + message.length : 0);
  const frames = trace
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .map((line) => withoutCode(line).replaceAll(email || '\0', '***'));
  error.stack = [`${error.name}: ${error.message}`, ...frames].join('\n');
  return error;
}

/** A code of letters, and each of its halves, in any case and with anything between the letters. */
function codePattern(code: string): RegExp {
  if (!code.includes('-')) return NOTHING;
  const halves = code.split('-').map((half) => [...half].join('[^\\p{L}\\p{N}]*'));
  return new RegExp(halves.join('|'), 'giu');
}

const NOTHING = /(?!)/;
