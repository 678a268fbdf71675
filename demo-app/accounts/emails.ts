/** The two emails of the demo: with a code, and for an address that has an account already. */
import { defaultTemplate, type MailContent, noticeTemplate, type Template } from 'express-email-verification';
import { languages, textsFor } from '../site/site.js';

/** The email of the package. It also names the address, and how to get help. */
export const codeEmail: Template = (input) => {
  const texts = languages.find(({ tag }) => tag === input.locale.tag);
  return defaultTemplate(input, { showEmail: true, support: texts?.emails.support });
};

/** Says that there is an account, and how to sign in. */
export function existingAccountEmail(locale: string, origin: string): MailContent {
  const { tag, emails } = textsFor(locale);
  const { button, paragraph, ...words } = emails.existingAccount;
  const link = { url: `${origin}/sign-in`, label: button };
  return noticeTemplate(
    { locale: tag, appName: 'Acme', ...words, paragraphs: [paragraph], link },
    { support: emails.support },
  );
}
