/**
 * The email that is sent in place of a code when the address already has an account. The page looks the same either
 * way, so it does not reveal who has an account.
 */
import type { BeforeSend } from 'express-email-verification';
import type { Accounts } from './accounts.js';
import { html } from './html.js';
import { type Translation, translationFor } from './locales/index.js';

export function suppressExistingAccounts(accounts: Accounts, origin: string): BeforeSend {
  return ({ email, locale }) =>
    accounts.exists(email)
      ? { kind: 'suppress', mail: existingAccountMessage(translationFor(locale), origin) }
      : undefined;
}

export function existingAccountMessage({ tag, existingAccountEmail: t }: Translation, origin: string) {
  const link = `${origin}/sign-in`;
  return {
    subject: t.subject,
    text: [t.heading, t.explanation, `${t.signIn} ${link}`, t.ignore, ''].join('\n\n'),
    html: html`<!doctype html>
<html lang="${tag}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${t.subject}</title>
<style>
body { margin: 0; padding: 32px 16px; word-break: keep-all; overflow-wrap: break-word; background: #f3f4f6; color: #15181e; font: 16px/24px -apple-system, 'Segoe UI', 'Malgun Gothic', sans-serif; }
main { display: block; max-width: 536px; margin: auto; padding: 32px; background: #fff; border: 1px solid #e2e5ea; border-radius: 12px; }
h1 { margin: 0 0 16px; font-size: 20px; line-height: 28px; }
@media (prefers-color-scheme: dark) {
  body { background: #16181d; color: #f2f4f8; }
  main { background: #21242b; border-color: #363b45; }
  a { color: #9cc2ff; }
}
</style>
</head>
<body>
<main>
<h1>${t.heading}</h1>
<p>${t.explanation}</p>
<p>${t.signIn} <a href="${link}">${link}</a></p>
<p>${t.ignore}</p>
</main>
</body>
</html>
`.markup,
  };
}
