/** The two emails of the demo: the one with a code, and the one to an address that already has an account. */
import { defaultTemplate, type MailContent, noticeTemplate, type Template } from 'express-email-verification';
import { languages, textsFor } from '../site/site.js';

/** The default email of the package, with the address and a line on how to get help. */
export const codeEmail: Template = (input) => {
  const texts = languages.find(({ tag }) => tag === input.locale.tag);
  return defaultTemplate(input, { showEmail: true, support: texts?.emails.support });
};

export function existingAccountEmail(locale: string, origin: string): MailContent {
  const { tag, emails } = textsFor(locale);
  const { button, paragraph, ...words } = emails.existingAccount;
  const link = { url: `${origin}/sign-in`, label: button };
  return noticeTemplate(
    { locale: tag, appName: 'Acme', heading: words.subject, ...words, paragraphs: [paragraph], link },
    { support: emails.support },
  );
}
