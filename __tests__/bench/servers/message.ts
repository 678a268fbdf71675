/** The email that every server sends: the package's own, with text and HTML. */
import { en } from '../../../lib/locales/en.js';
import { defaultTemplate } from '../../../lib/mail/template.js';
import { FROM } from './serve.js';

export function messageFor(email: string, code: string) {
  const content = defaultTemplate({
    email,
    code,
    expiresIn: 180,
    appName: 'Acme',
    purpose: 'signup',
    data: undefined,
    locale: en,
    originHost: undefined,
    codeInSubject: false,
  });
  return { from: FROM, to: email, ...content };
}
