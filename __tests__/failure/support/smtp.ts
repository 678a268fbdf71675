/** A service that mails through an SMTP server in trouble, and what that server saw. */
import { type EmailVerificationOptions, MemoryStore } from 'express-email-verification';
import type { Transporter } from 'nodemailer';
import { type Deed, type Stage, startRawSmtpServer } from '../../support/raw-smtp-server.js';
import { type Answer, person, startService } from './service.js';

/** What `mailTimeout` is in these tests, in ms. */
export const MAIL_TIMEOUT = 500;

// The first email of a process loads what emailing takes: it is sent before any time-out counts.
beforeAll(async () => {
  const service = await startSmtpTrouble({}, { mailTimeout: 60_000 });
  expect(outcomeOf(await service.send(person()))).toBe('sent');
  await service.close();
});

export type Script = Partial<Record<Stage, Deed>>;

/** The script may be changed while it runs; unless `transport` is a transporter, the mails go to that server. */
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
    /** What came of mails, in order. */
    events,
    /** The whole messages that came for an address, begun or ended. */
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

/** What a mail came to, in a word; the whole answer is checked elsewhere. */
export function outcomeOf({ status, reason }: Answer): string {
  return status === 200 ? 'sent' : `${status} ${reason}`;
}

/** From DATA to the dot, or to the end of what came. */
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
