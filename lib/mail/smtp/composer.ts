/** Composes messages with nodemailer, to be sent later. */
import type { SendMailOptions, SMTPPoolOptions, Transport } from 'nodemailer';
import Mailer from 'nodemailer/lib/mailer';

/** A composed message with its envelope. */
export interface RawMessage {
  readonly envelope: { from: string | false; to: string[] };
  readonly messageId: string;
  readonly raw: Buffer;
}

/** Composes a message as it would be sent. */
export type Compose = (message: SendMailOptions) => Promise<RawMessage>;

/** @param options those of the transporter, whose defaults each message gets. Signing takes place when a message is sent. */
export function createComposer(
  { name, version }: Pick<Transport, 'name' | 'version'>,
  options: SMTPPoolOptions,
): Compose {
  const composer = new Mailer<RawMessage, SMTPPoolOptions>(
    {
      name,
      version,
      send({ message }, callback) {
        message.build((error, raw) =>
          raw
            ? callback(null, { envelope: message.getEnvelope(), messageId: message.messageId(), raw })
            : callback(error, undefined),
        );
      },
    },
    { ...options, dkim: undefined },
  );
  return (message) => composer.sendMail(message);
}
