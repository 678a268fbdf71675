/** Delivery by the SDK of Amazon SES: `delivery: ses(new SESv2Client({ maxAttempts: 1 }), SendEmailCommand)`. */

import type { CustomDelivery, Mail } from 'express-email-verification';

/** An SESv2Client of @aws-sdk/client-sesv2. With more attempts, it may send an email twice: SES has no idempotency keys. */
export interface SesClient {
  send(command: object, options: { abortSignal: AbortSignal }): Promise<unknown>;
}

const NOT_CONNECTED = /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|.*CERT.*)$/;
const utf8 = (Data: string) => ({ Data, Charset: 'UTF-8' });
/** As in RFC 2047, because SES takes only ASCII here. */
const encoded = (name: string) => `=?UTF-8?B?${Buffer.from(name).toString('base64')}?=`;

function inputOf({ from, to, subject, text, html, headers }: Mail, reference: string) {
  return {
    FromEmailAddress: from.name ? `${encoded(from.name)} <${from.address}>` : from.address,
    Destination: { ToAddresses: [to.address] },
    Content: {
      Simple: {
        Subject: utf8(subject),
        Body: { Text: utf8(text), Html: utf8(html) },
        Headers: Object.entries(headers).map(([Name, Value]) => ({ Name, Value })),
      },
    },
    EmailTags: [{ Name: 'reference', Value: reference }],
  };
}

type SesCommand = new (input: ReturnType<typeof inputOf>) => object;

export function ses(client: SesClient, Command: SesCommand): CustomDelivery {
  return async (message, { signal, reference }) => {
    const command = new Command(inputOf(message, reference));
    await client.send(command, { abortSignal: signal }).catch((error) => {
      // The SDK says whose fault a refusal is. Anything else may have happened after SES accepted the email.
      throw Object.assign(error, { unknown: error.$fault !== 'client' && !NOT_CONNECTED.test(error.code) });
    });
  };
}
