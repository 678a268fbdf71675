/** An inbox for tests: a delivery that keeps each message, and gives the newest code, link or message for an address. */
import timers from 'node:timers';
import { inspect } from 'node:util';
import { normalizeEmail } from '../challenge/address.js';
import { isWhole, readOptionsOf, refuse } from '../checks.js';
import type { CustomDelivery, Mail } from '../mail/mailer.js';
import { refuseInProduction } from './refuse-production.js';

/** A message as a function passed as `delivery` gets it, and what it is about. */
export type TestMessage = Mail & {
  /** The canonical address that it was sent to. */
  readonly email: string;
  /** Undefined for the `mail` of a suppressed address. */
  readonly code: string | undefined;
  readonly expiresAt: Date;
};

export interface TestInbox {
  /** Pass it as the `delivery` option. */
  readonly delivery: CustomDelivery;
  /** All messages since the last `clear()`, the oldest first. */
  readonly messages: readonly TestMessage[];
  /** Forgets all messages. Call it before a send whose code must not be confused with an earlier one. */
  clear(): void;
  /**
   * The newest code for an address, in any spelling. Waits if there is none yet.
   *
   * @throws after `timeout`, with what arrived instead.
   */
  codeFor(email: string): Promise<string>;
  /**
   * The link in the newest message for an address that has one: the link that contains the code, or else the first one, in
   * the text or else in the HTML. Waits and throws like `codeFor`.
   */
  linkFor(email: string): Promise<string>;
  /** The newest message for an address, with a code or without. Waits and throws like `codeFor`. */
  messageFor(email: string): Promise<TestMessage>;
}

export interface TestInboxOptions {
  /**
   * Milliseconds to wait for a message, 0 to 600000. By default a little less than the 5 seconds that Jest and Vitest give a
   * test, whose own error would say less. @default 4500
   */
  readonly timeout?: number | undefined;
}

/** Not the global ones, and taken here: Jest fakes the global ones, and Vitest also those of the module. */
const { setTimeout: startTimer, clearTimeout: stopTimer } = timers;

/**
 * An inbox in memory, in place of a mail server. `transport` is then not required.
 *
 * @throws TypeError if NODE_ENV is production; RangeError if `timeout` is out of range.
 * @example
 * const inbox = createTestInbox();
 * const verification = createEmailVerification({ store: new MemoryStore(), delivery: inbox.delivery, from, secret });
 * const code = await inbox.codeFor('person@example.com');
 */
export function createTestInbox(options: TestInboxOptions = {}): TestInbox {
  refuseInProduction('createTestInbox()');
  const { timeout = 4500 } = readOptionsOf('createTestInbox()', options, { timeout: true });
  if (!isWhole(timeout, 0, 600_000)) {
    refuse('timeout', 'a whole number of milliseconds from 0 to 600000', timeout, 'createTestInbox()');
  }
  const messages: TestMessage[] = [];
  const waiting = new Set<() => void>();

  /** What `pick` finds in the newest message for an address in which it finds something. */
  async function newest<T>(
    what: string,
    email: string,
    pick: (message: TestMessage) => T | undefined,
  ): Promise<T> {
    const address = normalizeEmail(email);
    if (address === undefined) throw new TypeError(`${inspect(email)} is not an email address.`);
    const find = () =>
      findLast(messages, (message) => (message.email === address ? pick(message) : undefined));
    const found = find() ?? (await arrival(find));
    if (found !== undefined) return found;
    throw new Error(`No ${what} for ${address} arrived within ${timeout / 1000} s. ${contentsOf(messages)}`);
  }

  function arrival<T>(find: () => T | undefined): Promise<T | undefined> {
    return new Promise((resolve) => {
      const timer = startTimer(() => end(undefined), timeout);
      const look = () => {
        const found = find();
        if (found !== undefined) end(found);
      };
      function end(found: T | undefined): void {
        stopTimer(timer);
        waiting.delete(look);
        resolve(found);
      }
      waiting.add(look);
    });
  }

  return {
    messages,
    async delivery(mail, { code, expiresAt }) {
      messages.push({ ...mail, email: mail.to.address, code, expiresAt });
      for (const look of waiting) look();
    },
    clear() {
      messages.length = 0;
    },
    codeFor: (email) => newest('code', email, ({ code }) => code),
    linkFor: (email) => newest('link', email, linkIn),
    messageFor: (email) => newest('message', email, (message) => message),
  };
}

function findLast<T, Found>(items: readonly T[], pick: (item: T) => Found | undefined): Found | undefined {
  for (let n = items.length - 1; n >= 0; n -= 1) {
    const item = items[n];
    const found = item === undefined ? undefined : pick(item);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** What is in the inbox, without the codes: this text may end up in the log of a build. */
function contentsOf(messages: readonly TestMessage[]): string {
  if (messages.length === 0) {
    return 'The inbox is empty: is `inbox.delivery` the `delivery` option of this app, and what did the send return?';
  }
  const lines = messages.map(({ email, subject, code }) => {
    const shown = code === undefined ? subject : subject.replaceAll(code, '#'.repeat(code.length));
    return `${email}: ${inspect(shown)}, ${code === undefined ? 'without a code' : 'with a code'}`;
  });
  return `The inbox has:\n${lines.join('\n')}`;
}

function linkIn({ text, html, code }: TestMessage): string | undefined {
  const inText = Array.from((text ?? '').matchAll(/https?:\/\/[^\s<>"']+/g), ([link]) =>
    link.replace(/[.,;:!?)\]}]+$/, ''),
  );
  const inHtml = Array.from(
    (html ?? '').matchAll(/\shref\s*=\s*(?:"(https?:[^"]*)"|'(https?:[^']*)')/gi),
    (match) => (match[1] ?? match[2] ?? '').replaceAll('&amp;', '&'),
  );
  const links = [...inText, ...inHtml];
  return links.find((link) => code !== undefined && link.includes(code)) ?? links[0];
}
