/** A service that sends through an SMTP server in trouble, and what that server received. */
import { type EmailVerificationOptions, MemoryStore } from 'express-email-verification';
import type { Transporter } from 'nodemailer';
import { type Reaction, type Stage, startRawSmtpServer } from '../../support/raw-smtp-server.js';
import { type Answer, person, startService } from './service.js';

/** `mailTimeout` in these tests, in ms. */
export const MAIL_TIMEOUT = 500;

// The first email of a process loads modules, so it is sent before any timeout counts.
beforeAll(async () => {
  const service = await startSmtpTrouble({}, { mailTimeout: 60_000 });
  expect(outcomeOf(await service.send(person()))).toBe('sent');
  await service.close();
});

export type Script = Partial<Record<Stage, Reaction>>;

/** The script may be changed while it runs. Emails go to that server unless `transport` is a transporter. */
export async function startSmtpTrouble(
  script: Script = {},
  {
    transport = {},
    ...options
  }: Partial<Omit<EmailVerificationOptions, 'transport'>> & { transport?: object } = {},
) {
  const smtp = await startRawSmtpServer(script);
  const service = await startService({
    store: new MemoryStore(),
    transport:
      'sendMail' in transport
        ? (transport as Transporter)
        : { host: '127.0.0.1', port: smtp.port, maxConnections: 1, ...transport },
    delivery: 'await',
    mailTimeout: MAIL_TIMEOUT,
    ...options,
  });
  const events: string[] = [];
  for (const name of ['delivered', 'delivery_failed', 'delivery_unknown', 'unavailable'] as const)
    service.verification.on(name, () => events.push(name));

  return {
    ...service,
    script,
    smtp,
    /** The events so far, in order. */
    events,
    /** All messages received for an address, complete or not. */
    messagesTo(email: string): string[] {
      return messages(smtp.received).filter((text) => text.includes(`To: ${email}`));
    },
    async close() {
      await service.close();
      await smtp.close();
    },
  };
}

export type SmtpTrouble = Awaited<ReturnType<typeof startSmtpTrouble>>;

export function codeIn(message = ''): string {
  const body = message.slice(message.indexOf('\n\n'));
  return /\b\d{6}\b/.exec(body)?.[0] ?? '';
}

/** The outcome of a send in a word; other tests check the whole answer. */
export function outcomeOf({ status, reason }: Answer): string {
  return status === 200 ? 'sent' : `${status} ${reason}`;
}

/** From DATA to the dot, or to the end of what was received. */
function messages(lines: readonly string[]): string[] {
  const found: string[] = [];
  let reading: string[] | undefined;
  for (const line of lines) {
    if (line === '.') {
      found.push((reading ?? []).join('\n'));
      reading = undefined;
    } else if (reading) reading.push(line);
    else if (line === 'DATA') reading = [];
  }
  return reading ? [...found, reading.join('\n')] : found;
}
