/** The content of the email: its subject, its text and its HTML. */
import type { Locale } from '../locales/index.js';

export interface TemplateInput {
  readonly code: string;
  /** How many more seconds the code is valid. */
  readonly expiresIn: number;
  readonly appName: string;
  readonly locale: Locale;
  /** The host of an https `origin` without a port, or undefined: browsers fill in the code only on pages of this host. */
  readonly originHost: string | undefined;
  readonly codeInSubject: boolean;
}

export interface MailContent {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/**
 * Turns a code into the content of an email; passed as the `template` option. It is synchronous: no email is written for
 * a suppressed address, and waiting would reveal it. If it throws, the delivery has failed.
 */
export type Template = (input: TemplateInput) => MailContent;

/**
 * The default email: one column of at most 600 px, tables and inline styles because of mail clients, no image, light
 * and dark. The code is one word, so that a double click selects it.
 */
export const defaultTemplate: Template = ({
  code,
  expiresIn,
  appName,
  locale,
  originHost,
  codeInSubject,
}) => {
  const texts = locale.mail;
  const content = {
    preview: texts.preview(appName),
    heading: texts.heading,
    instruction: texts.instruction(appName),
    code,
    expiry: texts.expiry(expiresIn),
    ignore: texts.ignore,
    // As the last line, it lets browsers offer the code only on this host (WICG origin-bound one-time codes).
    bound: originHost && `@${originHost} #${code}`,
  };
  const subject = texts.subject(appName);
  return {
    subject: codeInSubject ? texts.subjectWithCode(appName, code) : subject,
    text: plainText(content),
    html: page(locale, subject, content),
  };
};

interface Content {
  readonly preview: string;
  readonly heading: string;
  readonly instruction: string;
  readonly code: string;
  readonly expiry: string;
  readonly ignore: string;
  readonly bound: string | undefined;
}

/** The minimum number of characters before the code: an inbox or a lock screen shows no more of a message. */
const PREVIEW_LENGTH = 200;

const RULE = '-'.repeat(72);

/** The code comes last, after a line of dashes, or several if the text before it is short. No line feed at the end. */
function plainText({ heading, instruction, code, expiry, ignore, bound }: Content): string {
  const before = [heading, ignore, expiry];
  const missing = PREVIEW_LENGTH - [...before, instruction].join(' ').length;
  const lines = Math.max(1, Math.ceil(missing / RULE.length));
  const paragraphs = [...before, Array(lines).fill(RULE).join('\n'), instruction, code];
  return (bound === undefined ? paragraphs : [...paragraphs, bound]).join('\n\n');
}

/** Fills the preview in an inbox with invisible text: zero-width characters keep the spaces from collapsing into one. */
const PADDING = '&#847;&nbsp;'.repeat(PREVIEW_LENGTH / 2);

const FONT =
  "font-family:-apple-system,BlinkMacSystemFont,'Segoe UI','Apple SD Gothic Neo','Malgun Gothic',sans-serif";
const MONOSPACE = 'font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace';
const TABLE = 'role="presentation" width="100%" cellpadding="0" cellspacing="0"';

/**
 * Outlook for Windows ignores `max-width` on a table and padding on anything but a cell, so it gets an outer table, and
 * only cells have padding. The preheader is not hidden by `display`, because spam filters have a rule for that.
 */
function page({ tag, dir }: Locale, title: string, content: Content): string {
  const align = dir === 'rtl' ? 'right' : 'left';
  const { length } = content.code;
  // Ten digits fit on a phone that is 320 px wide.
  const digits = length > 8 ? 'font-size:28px;letter-spacing:3px' : 'font-size:32px;letter-spacing:6px';
  const bound =
    content.bound === undefined
      ? ''
      : `
<p class="soft" dir="ltr" style="margin:20px 0 0;font-size:12px;line-height:16px;color:#565e6c">${escapeHtml(content.bound)}</p>`;
  return `<!doctype html>
<html lang="${escapeHtml(tag)}" dir="${dir}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<meta name="format-detection" content="telephone=no, date=no, address=no, email=no, url=no">
<title>${escapeHtml(title)}</title>
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
<div aria-hidden="true" style="max-height:0;overflow:hidden;mso-hide:all">${escapeHtml(content.preview)}${PADDING}</div>
<table ${TABLE} class="page" style="background:#f3f4f6">
<tr><td align="center" style="padding:32px 12px">
<!--[if mso]><table role="presentation" width="600" cellpadding="0" cellspacing="0"><tr><td><![endif]-->
<table ${TABLE} class="card" style="table-layout:fixed;max-width:600px;background:#ffffff;border:1px solid #e2e5ea;border-radius:12px">
<tr><td align="${align}" style="padding:32px 20px;word-break:keep-all;overflow-wrap:break-word;${FONT}">
<h1 class="strong" style="margin:0 0 16px;font-size:20px;line-height:28px;color:#15181e">${escapeHtml(content.heading)}</h1>
<p class="strong" style="margin:0 0 20px;font-size:16px;line-height:24px;color:#15181e">${escapeHtml(content.instruction)}</p>
<table ${TABLE}>
<tr><td class="code" dir="ltr" align="center" style="padding:16px 4px;background:#f0f2f6;border-radius:8px;${MONOSPACE};${digits};line-height:40px;font-weight:700;color:#15181e">${escapeHtml(content.code)}</td></tr>
</table>
<p class="soft" style="margin:20px 0 12px;font-size:14px;line-height:20px;color:#565e6c">${escapeHtml(content.expiry)}</p>
<p class="soft" style="margin:0;font-size:14px;line-height:20px;color:#565e6c">${escapeHtml(content.ignore)}</p>${bound}
</td></tr>
</table>
<!--[if mso]></td></tr></table><![endif]-->
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
