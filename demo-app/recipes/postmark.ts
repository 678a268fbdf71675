/** Delivery by the HTTP API of Postmark: `delivery: postmark(process.env.POSTMARK_TOKEN)`, and no `transport`. */

import type { CustomDelivery } from 'express-email-verification';

const JSON_TYPE = 'application/json';

/** No connection was made, so nobody has seen the email. */
const NOT_CONNECTED = /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|UND_ERR_CONNECT_TIMEOUT|.*CERT.*)$/;

export function postmark(token?: string, url = 'https://api.postmarkapp.com/email'): CustomDelivery {
  if (!token) throw new TypeError('POSTMARK_TOKEN is not set.');
  return async ({ from, to, subject, text, html, headers }, { signal, reference }) => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'X-Postmark-Server-Token': token, Accept: JSON_TYPE, 'Content-Type': JSON_TYPE },
      body: JSON.stringify({
        From: from.name ? `${JSON.stringify(from.name)} <${from.address}>` : from.address,
        To: to.address,
        Subject: subject,
        TextBody: text,
        HtmlBody: html,
        Headers: Object.entries(headers).map(([Name, Value]) => ({ Name, Value })),
        Metadata: { reference },
        TrackOpens: false,
        TrackLinks: 'None',
      }),
      signal,
    }).catch((error) => {
      throw Object.assign(error, { unknown: !NOT_CONNECTED.test(error.cause?.code) });
    });
    const { ErrorCode } = Object(await response.json().catch(() => undefined));
    if (response.ok) return;
    const { status } = response;
    // 406: earlier emails bounced, or were reported as spam. With this name, the person is asked to check the address.
    const name = ErrorCode === 406 ? 'InactiveRecipient' : 'Error';
    throw Object.assign(new Error('Postmark refused the email.'), { name, status, unknown: status >= 500 });
  };
}
