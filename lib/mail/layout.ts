/**
 * The layout that all emails of the package share: one column of at most 600 px, tables and inline styles because of mail
 * clients, light and dark. It opens with the app's name, or with its logo.
 */
import type { Locale } from '../locales/index.js';
import type { Brand } from './brand.js';

export interface Layout {
  readonly language: Pick<Locale, 'tag' | 'dir'>;
  readonly title: string;
  /** What an inbox shows next to the subject. */
  readonly preview: string;
  readonly appName: string;
  readonly heading: string;
  /** HTML after the heading. */
  readonly body: string;
  /** HTML after the support line and the footer. */
  readonly end: string;
  /** Styles for dark mode that `body` needs. */
  readonly darkStyles: string;
  readonly brand: Brand;
}

/**
 * Outlook for Windows ignores `max-width` on a table and padding on anything but a cell, so it gets an outer table, and
 * only cells have padding. The preheader is not hidden by `display`, because spam filters have a rule for that.
 */
export function layout({ language, title, preview, appName, heading, body, end, darkStyles, brand }: Layout) {
  const { tag, dir } = language;
  const align = dir === 'rtl' ? 'right' : 'left';
  const { logo, colors, support, footer } = brand;
  const { accent = '' } = colors;
  const bar = accent && `;border-top:4px solid ${accent}`;
  const top = logo
    ? `<img src="${escapeHtml(logo.url)}" alt="${escapeHtml(logo.alt ?? appName)}" width="${logo.width}" height="${logo.height}" style="display:block;margin:0 0 20px;border:0">`
    : `<p class="strong" style="margin:0 0 20px;font-size:16px;line-height:24px;font-weight:700;color:#15181e">${escapeHtml(isolatedIn(dir, appName))}</p>`;
  // The app writes these, and their direction may differ from that of the email.
  const small = [support, footer]
    .filter((text) => text !== undefined)
    .map(
      (text) => `
<p class="soft" dir="auto" style="margin:12px 0 0;font-size:14px;line-height:20px;color:#565e6c">${escapeHtml(text).replaceAll('\n', '<br>')}</p>`,
    )
    .join('');
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
  .card { background: #21242b !important; border-color: #363b45 !important${accent && `; border-top-color: ${accent} !important`}; }
  .strong { color: #f2f4f8 !important; }
  .soft { color: #b3bac7 !important; }
  ${darkStyles}
}
</style>
</head>
<body class="page" style="margin:0;padding:0;background:${colors.page}">
<div aria-hidden="true" style="max-height:0;overflow:hidden;mso-hide:all">${escapeHtml(preview)}${PADDING}</div>
<table ${TABLE} width="100%" class="page" style="background:${colors.page}">
<tr><td align="center" style="padding:32px 12px">
<!--[if mso]><table ${TABLE} width="600"><tr><td><![endif]-->
<table ${TABLE} width="100%" class="card" style="table-layout:fixed;max-width:600px;background:#ffffff;border:1px solid #e2e5ea${bar};border-radius:12px">
<tr><td align="${align}" style="padding:32px 20px;overflow-wrap:break-word;${fontOf(tag)}">
${top}
<h1 class="strong" style="margin:0 0 16px;font-size:20px;line-height:28px;color:#15181e">${escapeHtml(heading)}</h1>
${body}${small}${end}
</td></tr>
</table>
<!--[if mso]></td></tr></table><![endif]-->
</td></tr>
</table>
</body>
</html>
`;
}

export const TABLE = 'role="presentation" cellpadding="0" cellspacing="0"';

/** A paragraph of the main text. */
export function strongParagraph(text: string): string {
  return `<p class="strong" style="margin:0 0 20px;font-size:16px;line-height:24px;color:#15181e">${escapeHtml(text)}</p>`;
}

/** A paragraph in small print. */
export function softParagraph(text: string, spaceAbove = 12): string {
  return `<p class="soft" style="margin:${spaceAbove}px 0 0;font-size:14px;line-height:20px;color:#565e6c">${escapeHtml(text)}</p>`;
}

/**
 * A name or an address in its own direction (Unicode UAX #9, isolates): otherwise, an Arabic sentence would show "Acme, Inc."
 * with its full stop on the wrong side.
 */
export function isolatedIn(dir: Locale['dir'], name: string): string {
  return dir === 'rtl' ? `\u2068${name}\u2069` : name;
}

/** The minimum number of characters before a code: an inbox or a lock screen shows no more of a message. */
export const PREVIEW_LENGTH = 200;

/** Fills the preview in an inbox with invisible text: zero-width characters keep the spaces from collapsing into one. */
const PADDING = '&#847;&nbsp;'.repeat(PREVIEW_LENGTH / 2);

/** Korean breaks lines between words. Chinese and Japanese, which put no spaces between words, break them anywhere. */
const KOREAN = "'Apple SD Gothic Neo','Malgun Gothic',sans-serif;word-break:keep-all";

/** By the start of the tag: Chinese, Japanese and Korean fonts draw the same Unicode character differently. */
const FONTS: readonly (readonly [tag: RegExp, fonts: string])[] = [
  [/^ja\b/i, "'Hiragino Sans',Meiryo,sans-serif"],
  [/^zh-(hant|hk|mo|tw)\b/i, "'PingFang TC','Microsoft JhengHei',sans-serif"],
  [/^zh\b/i, "'PingFang SC','Microsoft YaHei',sans-serif"],
];

function fontOf(tag: string): string {
  const fonts = FONTS.find(([begins]) => begins.test(tag))?.[1] ?? KOREAN;
  return `font-family:-apple-system,BlinkMacSystemFont,'Segoe UI',${fonts}`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
