/** Delivery by the HTTP API of Resend: `delivery: resend(process.env.RESEND_API_KEY)`, and no `transport`. */

import type { CustomDelivery } from 'express-email-verification';

/** No connection was made, so nobody has seen the email. */
const NOT_CONNECTED = /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|UND_ERR_CONNECT_TIMEOUT|.*CERT.*)$/;

export function resend(apiKey: string | undefined, url = 'https://api.resend.com/emails'): CustomDelivery {
  if (!apiKey) throw new TypeError('RESEND_API_KEY is not set.');
  return async ({ from, to, subject, text, html, headers }, { signal, reference }) => {
    const sender = from.name ? `${JSON.stringify(from.name)} <${from.address}>` : from.address;
    const post = async () => {
      const response = await fetch(url, {
        method: 'POST',
        headers: {
          Authorization: `Bearer ${apiKey}`,
          'Content-Type': 'application/json',
          'Idempotency-Key': reference,
        },
        body: JSON.stringify({ from: sender, to: to.address, subject, text, html, headers }),
        signal,
      });
      const body = await response.json().catch(() => undefined);
      if (response.ok) return undefined;
      const { status } = response;
      // 409: the first request is still being processed.
      const unknown = status >= 500 || status === 409;
      return Object.assign(new Error('Resend refused the email.'), { status, response: { body }, unknown });
    };
    const failed = (error: Error & { cause?: { code?: string } }) =>
      Object.assign(error, { unknown: !NOT_CONNECTED.test(error.cause?.code ?? '') });

    const first = await post().catch(failed);
    // Resend sends one email for each key, so repeating the request never sends a second one.
    const failure = first?.unknown && !signal.aborted ? await post().catch(failed) : first;
    if (failure) throw failure;
  };
}
