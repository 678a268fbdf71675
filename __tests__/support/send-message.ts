/** A message, and how a client sends one: for the tests of mail servers. */
import { createTransport, type SendMailOptions } from 'nodemailer';

export const messageToMinji: SendMailOptions = {
  from: 'Acme <no-reply@acme.example>',
  to: { name: '민지', address: 'minji@example.com' },
  subject: '482913 is your code',
  text: 'Your code is 482913.',
  html: '<p>Your code is <b>482913</b>.</p>',
  headers: { 'X-Trace': 'one' },
};

export async function send(url: string, message: SendMailOptions, options: object = {}) {
  const transport = createTransport({ url, ...options });
  try {
    return await transport.sendMail(message);
  } finally {
    transport.close();
  }
}
