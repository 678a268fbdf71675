/** From a code to a mail on its way: writes it, and delivers it as the `delivery` option says. */
import { codeOf, messageOf } from '../cause.js';
import type { Locale } from '../locales/index.js';
import type { Settings } from '../options.js';
import { createCustomMailer, createMailer, type DeliveryOutcome, type Mail } from './mailer.js';
import { createOutbox } from './outbox.js';
import type { MailContent } from './template.js';
import type { AnyTransporter } from './transport.js';

/** Who gets what: a code, or the words of the app's own. */
export interface Letter {
  readonly email: string;
  readonly locale: Locale;
  readonly code?: string;
  readonly content?: MailContent;
}

export type PostOutcome<T> =
  | { readonly kind: 'left' | 'unknown' | 'failed'; readonly settled: T | undefined }
  /** The answer does not wait for it. */
  | { readonly kind: 'posted' };

export interface PostOffice {
  /** Whether one more mail has room. */
  hasRoom(): boolean;
  /**
   * Delivers a letter while its code lives (`lifetime`, ms); `settle` hears once what came of it. Without a
   * letter nothing is mailed, and nothing else differs.
   */
  deliver<T>(
    letter: Letter | undefined,
    lifetime: number,
    settle: (outcome: DeliveryOutcome) => Promise<T | undefined>,
  ): Promise<PostOutcome<T>>;
  /** What keeps mails from leaving, as sentences. */
  check(): Promise<readonly string[]>;
  /** Finishes what is under way, then takes no more. */
  close(): Promise<void>;
}

export function createPostOffice(settings: Settings): PostOffice {
  const { delivery, mailTimeout } = settings;
  const { transporter, owned } = settings.transport;
  const deliver = typeof delivery === 'function' ? createCustomMailer(delivery) : createMailer(transporter);
  const outbox = createOutbox({ deliver, concurrency: poolSize(transporter), mailTimeout });
  const underWay = new Set<Promise<unknown>>();
  let closed = false;

  async function deliverNow<T>(
    mail: Mail,
    lifetime: number,
    settle: (outcome: DeliveryOutcome) => Promise<T | undefined>,
  ): Promise<PostOutcome<T>> {
    const expiresAt = new Date(Date.now() + lifetime);
    const outcome = await deliver(mail, { signal: AbortSignal.timeout(mailTimeout), expiresAt });
    return { kind: outcome.kind, settled: await settle(outcome) };
  }

  return {
    hasRoom: () => !closed && (delivery !== 'background' || outbox.hasRoom()),
    async deliver(letter, lifetime, settle) {
      const mail = letter && writeMail(letter, lifetime, settings);
      if (delivery === 'background') {
        const expiresAt = Date.now() + lifetime;
        if (mail) outbox.post({ mail, expiresAt, done: async (outcome) => void (await settle(outcome)) });
        return { kind: 'posted' };
      }
      if (!mail) return { kind: 'posted' };
      const sending = deliverNow(mail, lifetime, settle);
      underWay.add(sending);
      return sending.finally(() => underWay.delete(sending));
    },
    async check() {
      if (typeof delivery === 'function') return [];
      const giveUp = new Promise<never>((_resolve, reject) => {
        AbortSignal.timeout(mailTimeout).addEventListener('abort', () =>
          reject(new Error('it did not answer in time')),
        );
      });
      try {
        await Promise.race([transporter.verify(), giveUp]);
        return [];
      } catch (cause) {
        return [`The transport does not log in: ${codeOf(cause) ?? messageOf(cause)}.`];
      }
    },
    async close() {
      closed = true;
      await Promise.allSettled([...underWay, outbox.drain()]);
      if (owned) transporter.close();
    },
  };
}

/** How many mails the transport takes at a time. */
function poolSize({ options }: AnyTransporter): number {
  const size: unknown = 'maxConnections' in options ? options['maxConnections'] : undefined;
  return typeof size === 'number' && size > 0 ? size : 5;
}

/**
 * One recipient and nobody else, whatever defaults the transporter has: the address as it was keyed, in the
 * envelope as in the header, never parsed again (RFC 5321 §3.3).
 */
function writeMail({ email, locale, code, content }: Letter, lifetime: number, settings: Settings): Mail {
  const { from, appName, origin, codeInSubject } = settings;
  const written =
    content ??
    settings.template({
      code: code ?? '',
      expiresIn: Math.ceil(lifetime / 1000),
      appName,
      locale,
      originHost: origin === undefined ? undefined : new URL(origin).host,
      codeInSubject,
    });
  return {
    from,
    to: { name: '', address: email },
    cc: undefined,
    bcc: undefined,
    envelope: { from: from.address, to: [email] },
    maxRecipients: 1,
    subject: written.subject,
    text: written.text,
    html: written.html,
    headers: {
      // RFC 3834 §5: no holiday note comes back.
      'Auto-Submitted': 'auto-generated',
      'Content-Language': locale.tag,
    },
    ...(origin !== undefined && code !== undefined && { otp: { code, origin } }),
  };
}
