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

/** How many mails of background delivery wait or are under way at the most; past it a send is answered 503. */
export const OUTBOX_CAPACITY = 1000;

/**
 * How long a send waits for one of these to end, in ms, before that 503. A burst is so paced by its mails, which
 * would otherwise hardly get on for all the refusing.
 */
const PATIENCE = 500;

export interface PostOffice {
  /** Room for one more mail; none when all stays taken, or it is closed. Taken before the mail's code is stored. */
  enter(): Promise<Room | undefined>;
  /** What keeps mails from leaving, as sentences. */
  check(): Promise<readonly string[]>;
  /** Takes no more, and finishes what is in its rooms. */
  close(): Promise<void>;
}

export interface Room {
  /**
   * Delivers a letter while its code lives (`lifetime`, ms); `settle` hears once what came of it. Without a
   * letter nothing is mailed, and nothing else differs.
   */
  deliver<T>(
    letter: Letter | undefined,
    lifetime: number,
    settle: (outcome: DeliveryOutcome) => Promise<T | undefined>,
  ): Promise<PostOutcome<T>>;
  /** Gives the room up, unless a mail waits in it that does so at its end. */
  leave(): void;
}

export function createPostOffice(settings: Settings): PostOffice {
  const { delivery, mailTimeout } = settings;
  const { transporter, owned } = settings.transport;
  const deliver = typeof delivery === 'function' ? createCustomMailer(delivery) : createMailer(transporter);
  const outbox = createOutbox({ deliver, concurrency: poolSize(transporter), mailTimeout });
  const idle: (() => void)[] = [];
  const queue = new Set<(hasRoom: boolean) => void>();
  let taken = 0;
  let closed = false;

  async function takeRoom(): Promise<boolean> {
    if (closed) return false;
    if (delivery === 'background' && taken >= OUTBOX_CAPACITY) return queueForRoom();
    taken += 1;
    return true;
  }

  function queueForRoom(): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (hasRoom: boolean) => {
        clearTimeout(timer);
        queue.delete(settle);
        resolve(hasRoom);
      };
      const timer = setTimeout(settle, PATIENCE, false);
      queue.add(settle);
    });
  }

  function leave(): void {
    const [next] = queue;
    if (next) {
      // The room changes hands: nobody comes in between.
      next(true);
      return;
    }
    taken -= 1;
    if (taken === 0) for (const settle of idle.splice(0)) settle();
  }

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
    async enter() {
      if (!(await takeRoom())) return undefined;
      let waits = false;
      return {
        async deliver(letter, lifetime, settle) {
          const mail = letter && writeMail(letter, lifetime, settings);
          if (!mail) return { kind: 'posted' };
          if (delivery !== 'background') return deliverNow(mail, lifetime, settle);
          waits = true;
          const done = async (outcome: DeliveryOutcome) => void (await settle(outcome).finally(leave));
          outbox.post({ mail, expiresAt: Date.now() + lifetime, done });
          return { kind: 'posted' };
        },
        leave() {
          if (!waits) leave();
        },
      };
    },
    async check() {
      if (typeof delivery === 'function') return [];
      const timedOut = new Promise<never>((_resolve, reject) => {
        AbortSignal.timeout(mailTimeout).addEventListener('abort', () =>
          reject(new Error('it did not answer in time')),
        );
      });
      try {
        await Promise.race([transporter.verify(), timedOut]);
        return [];
      } catch (cause) {
        return [`The transport does not log in: ${codeOf(cause) ?? messageOf(cause)}.`];
      }
    },
    async close() {
      closed = true;
      for (const settle of queue) settle(false);
      outbox.close();
      if (taken > 0) await new Promise<void>((resolve) => idle.push(resolve));
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
