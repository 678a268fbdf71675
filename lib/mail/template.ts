/** The mail as a person reads it: its subject, its text and its HTML. */
import type { Locale } from '../locales/index.js';

export interface TemplateInput {
  readonly code: string;
  /** Seconds the code is valid from now. */
  readonly expiresIn: number;
  readonly appName: string;
  readonly locale: Locale;
  /** The host of the `origin` option: browsers fill the code in on pages of this host alone. */
  readonly originHost: string | undefined;
  readonly codeInSubject: boolean;
}

export interface MailContent {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/**
 * Turns a code into a mail; the `template` option takes one of these. At once, not by a promise: nobody writes a mail
 * for an address that is suppressed, and the wait would tell. One that throws is a delivery that failed.
 */
export type Template = (input: TemplateInput) => MailContent;

/**
 * The mail sent by default: one column of 600 px at most, tables and inline styles as mail readers want them,
 * no image, light and dark. The code is one word, so that a double click selects it.
 */
export const defaultTemplate: Template = ({
  code,
  expiresIn,
  appName,
  locale,
  originHost,
  codeInSubject,
}) => {
  const words = locale.mail;
  // The last line lets a browser offer the code on this host and nowhere else (WICG origin-bound one-time codes).
  const bound = originHost ? `@${originHost} #${code}` : undefined;
  const paragraphs = [
    words.heading,
    words.instruction(appName),
    code,
    words.expiry(expiresIn),
    words.ignore,
    bound,
  ];
  return {
    subject: codeInSubject ? words.subjectWithCode(appName, code) : words.subject(appName),
    text: `${paragraphs.filter((line) => line !== undefined).join('\n\n')}\n`,
    html: page(locale, {
      title: words.subject(appName),
      preview: words.preview(appName),
      heading: words.heading,
      instruction: words.instruction(appName),
      code,
      expiry: words.expiry(expiresIn),
      ignore: words.ignore,
      bound,
    }),
  };
};

type Words = Record<
  'title' | 'preview' | 'heading' | 'instruction' | 'code' | 'expiry' | 'ignore',
  string
> & {
  bound: string | undefined;
};

const FONT =
  "font-family:-apple-system,BlinkMacSystemFont,'Segoe UI','Apple SD Gothic Neo','Malgun Gothic',sans-serif";

function page({ tag, dir }: Locale, words: Words): string {
  const say = (word: string) => escapeHtml(word);
  const align = dir === 'rtl' ? 'right' : 'left';
  return `<!doctype html>
<html lang="${say(tag)}" dir="${dir}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>${say(words.title)}</title>
<style>
@media (prefers-color-scheme: dark) {
  .page { background: #16181d !important; }
  .card { background: #21242b !important; border-color: #363b45 !important; }
  .strong { color: #f2f4f8 !important; }
  .soft { color: #b3bac7 !important; }
  .code { background: #2c313b !important; color: #ffffff !important; }
}
</style>
</head>
<body class="page" style="margin:0;padding:0;background:#f3f4f6">
<div style="display:none;max-height:0;overflow:hidden;mso-hide:all">${say(words.preview)}</div>
<table role="presentation" class="page" width="100%" cellpadding="0" cellspacing="0" style="background:#f3f4f6">
<tr><td align="center" style="padding:32px 16px">
<table role="presentation" class="card" width="100%" cellpadding="0" cellspacing="0" style="max-width:600px;background:#ffffff;border:1px solid #e2e5ea;border-radius:12px">
<tr><td align="${align}" style="padding:32px;word-break:keep-all;overflow-wrap:break-word;${FONT}">
<h1 class="strong" style="margin:0 0 16px;font-size:20px;line-height:28px;color:#15181e">${say(words.heading)}</h1>
<p class="strong" style="margin:0 0 20px;font-size:16px;line-height:24px;color:#15181e">${say(words.instruction)}</p>
<p class="code" dir="ltr" style="margin:0 0 20px;padding:16px 8px;background:#f0f2f6;border-radius:8px;text-align:center;font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:32px;line-height:40px;font-weight:700;letter-spacing:6px;color:#15181e">${say(words.code)}</p>
<p class="soft" style="margin:0 0 12px;font-size:14px;line-height:20px;color:#565e6c">${say(words.expiry)}</p>
<p class="soft" style="margin:0;font-size:14px;line-height:20px;color:#565e6c">${say(words.ignore)}</p>${
    words.bound === undefined
      ? ''
      : `
<p class="soft" dir="ltr" style="margin:20px 0 0;font-size:12px;line-height:16px;color:#565e6c">${say(words.bound)}</p>`
  }
</td></tr>
</table>
</td></tr>
</table>
</body>
</html>
`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
