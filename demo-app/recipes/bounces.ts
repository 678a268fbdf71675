/**
 * Bounces: a webhook for your provider's reports about emails that it accepted but could not deliver. Each report quotes the
 * `reference` of the email, by which you find its send in your audit log.
 */

import { createHash, timingSafeEqual } from 'node:crypto';
import express, { type RequestHandler } from 'express';

/**
 * SendGrid, Mailgun, Amazon SES and others quote the Message-ID of the email: `<reference@domain of from>`.
 *
 * @example app.post('/bounces', createBounceWebhook({ domain: 'acme.example', password, onBounce }));
 */
export function createBounceWebhook(options: {
  readonly domain: string;
  /** Of the webhook (HTTP Basic), so that nobody else can report bounces. */
  readonly password: string;
  /** Called once for each reference in a report. */
  readonly onBounce: (reference: string, report: string) => void;
}): RequestHandler[] {
  const { domain, password, onBounce } = options;
  const uuid = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
  const messageId = new RegExp(`(${uuid})@${domain.replaceAll('.', '\\.')}(?![\\w.-])`, 'g');
  const digest = (text: string) => createHash('sha256').update(text).digest();

  return [
    function authenticate(req, res, next) {
      const [, credentials = ''] = /^Basic (.+)$/.exec(req.get('authorization') ?? '') ?? [];
      const given = Buffer.from(credentials, 'base64').toString().replace(/^.*?:/, '');
      return timingSafeEqual(digest(given), digest(password)) ? next() : res.status(401).end();
    },
    express.text({ type: () => true, limit: '1mb' }),
    function bounces(req, res) {
      const found = Array.from(String(req.body).matchAll(messageId), ([, reference = '']) => reference);
      for (const reference of new Set(found)) onBounce(reference, req.body);
      res.status(204).end();
    },
  ];
}
