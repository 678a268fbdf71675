/** Delivery by the HTTP API of SendGrid: `delivery: sendgrid(process.env.SENDGRID_API_KEY)`, and no `transport`. */

import type { CustomDelivery } from 'express-email-verification';

/** No connection was made, so nobody has seen the email. */
const NOT_CONNECTED = /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|UND_ERR_CONNECT_TIMEOUT|.*CERT.*)$/;

/** @param url in the EU, `https://api.eu.sendgrid.com/v3/mail/send`. */
export function sendgrid(
  apiKey: string | undefined,
  url = 'https://api.sendgrid.com/v3/mail/send',
): CustomDelivery {
  if (!apiKey) throw new TypeError('SENDGRID_API_KEY is not set.');
  return async ({ from, to, subject, text, html, headers }, { signal, reference }) => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { Authorization: `Bearer ${apiKey}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({
        from: { email: from.address, name: from.name },
        subject,
        headers,
        personalizations: [{ to: [{ email: to.address }], custom_args: { reference } }],
        content: [
          { type: 'text/plain', value: text },
          { type: 'text/html', value: html },
        ],
        tracking_settings: { click_tracking: { enable: false }, open_tracking: { enable: false } },
      }),
      signal,
    }).catch((error) => {
      throw Object.assign(error, { unknown: !NOT_CONNECTED.test(error.cause?.code) });
    });
    await response.arrayBuffer().catch(() => {});
    const { ok, status } = response;
    // If SendGrid itself failed (5xx), it may have accepted the email.
    if (!ok)
      throw Object.assign(new Error('SendGrid refused the email.'), { status, unknown: status >= 500 });
  };
}
