/** The content of the email: its subject, its text and its HTML. */
import { isWhole, readOptions, refuse } from '../checks.js';
import type { Locale } from '../locales/index.js';

export interface TemplateInput {
  readonly code: string;
  /** How many more seconds the code is valid. */
  readonly expiresIn: number;
  readonly appName: string;
  /** The `purpose` option, so that one template can serve several purposes. */
  readonly purpose: string;
  /** What `beforeSend` returned as `data`; otherwise undefined, as when the template is tried at the start. */
  readonly data: unknown;
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

/** What an app can add to the default email. Everything is optional. */
export interface TemplateOptions {
  /** Above the heading. Many mail clients show images only after a click, so `alt` matters. */
  readonly logo?:
    | {
        /** An https URL. */
        readonly url: string;
        /** CSS pixels: the width from 1 to 560, the height from 1 to 200. */
        readonly width: number;
        readonly height: number;
        /** @default the app's name */
        readonly alt?: string | undefined;
      }
    | undefined;
  readonly colors?:
    | {
        /** A bar at the top of the card, as `#rrggbb`. @default none */
        readonly accent?: string | undefined;
        /** The background of the page, in light mode. @default '#f3f4f6' */
        readonly page?: string | undefined;
        /** The background of the code, in light mode. Must contrast with the dark text on it (WCAG 2.2 SC 1.4.3). @default '#f0f2f6' */
        readonly code?: string | undefined;
      }
    | undefined;
  /** How to get help, such as `Questions? Write to help@acme.example`. */
  readonly support?: string | undefined;
  /** Small print below, such as a postal address; line feeds are kept. */
  readonly footer?: string | undefined;
}

/**
 * The default email: one column of at most 600 px, tables and inline styles because of mail clients, no image, light
 * and dark. A code of digits is one word, so that a double click selects it.
 *
 * @throws TypeError or RangeError for an option that is not valid.
 * @example
 * const template: Template = (input) => defaultTemplate(input, { support: 'Questions? help@acme.example' });
 */
export function defaultTemplate(input: TemplateInput, options: TemplateOptions = {}): MailContent {
  const { code, expiresIn, appName, locale, originHost, codeInSubject } = input;
  const texts = locale.mail;
  const { logo, colors, support, footer } = checkTemplateOptions(options);
  const name = locale.dir === 'rtl' ? isolated(appName) : appName;
  const content = {
    preview: texts.preview(name),
    heading: texts.heading,
    instruction: texts.instruction(name),
    code,
    expiry: texts.expiry(expiresIn),
    ignore: texts.ignore,
    support,
    footer,
    logo: logo && { ...logo, alt: logo.alt ?? appName },
    colors,
    // As the last line, it lets browsers offer the code only on this host (WICG origin-bound one-time codes).
    bound: originHost && `@${originHost} #${code}`,
  };
  const subject = texts.subject(name);
  return {
    subject: codeInSubject ? texts.subjectWithCode(name, code) : subject,
    text: plainText(content),
    html: page(locale, subject, content),
  };
}

interface Content {
  readonly preview: string;
  readonly heading: string;
  readonly instruction: string;
  readonly code: string;
  readonly expiry: string;
  readonly ignore: string;
  readonly support: string | undefined;
  readonly footer: string | undefined;
  readonly logo:
    | { readonly url: string; readonly alt: string; readonly width: number; readonly height: number }
    | undefined;
  readonly colors: { readonly accent: string | undefined; readonly page: string; readonly code: string };
  readonly bound: string | undefined;
}

const NAMES = { logo: true, colors: true, support: true, footer: true };
const LOGO_NAMES = { url: true, width: true, height: true, alt: true };
const COLOR_NAMES = { accent: true, page: true, code: true };

function checkTemplateOptions(
  passed: TemplateOptions,
): Pick<Content, 'colors' | 'support' | 'footer'> & Pick<TemplateOptions, 'logo'> {
  const { logo, colors = {}, support, footer } = readOptions(passed, NAMES, { of: OF });
  const {
    accent,
    page = LIGHT.page,
    code = LIGHT.code,
  } = readOptions(colors, COLOR_NAMES, { path: 'colors', of: OF });
  for (const [name, color] of Object.entries({ accent: accent ?? LIGHT.page, page, code })) {
    if (typeof color !== 'string' || !/^#[0-9a-f]{6}$/i.test(color))
      refuse(`colors.${name}`, 'a color as in #1a2b3c', color, OF);
  }
  if (contrast(code, LIGHT.text) < 4.5)
    refuse('colors.code', `a light color: the code on it is ${LIGHT.text}`, code, OF);
  for (const [name, text] of Object.entries({ support: support ?? '', footer: footer ?? '' })) {
    if (typeof text !== 'string') refuse(name, 'a string', text, OF);
  }
  return { logo: logo && checkLogo(logo), colors: { accent, page, code }, support, footer };
}

function checkLogo(passed: NonNullable<TemplateOptions['logo']>): TemplateOptions['logo'] {
  const { url = '', width = 0, height = 0, alt } = readOptions(passed, LOGO_NAMES, { path: 'logo', of: OF });
  if (!(typeof url === 'string' && URL.canParse(url) && new URL(url).protocol === 'https:'))
    refuse('logo.url', 'an https URL', url, OF);
  if (!isWhole(width, 1, 560)) refuse('logo.width', 'a whole number of pixels from 1 to 560', width, OF);
  if (!isWhole(height, 1, 200)) refuse('logo.height', 'a whole number of pixels from 1 to 200', height, OF);
  if (alt !== undefined && typeof alt !== 'string') refuse('logo.alt', 'a string', alt, OF);
  return { url, width, height, alt };
}

const OF = 'defaultTemplate()';
const LIGHT = { page: '#f3f4f6', code: '#f0f2f6', text: '#15181e' } as const;

/** The contrast ratio of two colors (WCAG 2.2, relative luminance). */
function contrast(one: string, other: string): number {
  const luminance = (color: string) => {
    const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
      const part = Number.parseInt(color.slice(at, at + 2), 16) / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05;
  };
  const [a, b] = [luminance(one), luminance(other)];
  return Math.max(a, b) / Math.min(a, b);
}

/** The minimum number of characters before the code: an inbox or a lock screen shows no more of a message. */
const PREVIEW_LENGTH = 200;

const RULE = '-'.repeat(72);

/** The code comes last, after a line of dashes, or several if the text before it is short. No line feed at the end. */
function plainText({ heading, instruction, code, expiry, ignore, support, footer, bound }: Content): string {
  const before = [heading, ignore, ...[support, footer].filter((text) => text !== undefined), expiry];
  const missing = PREVIEW_LENGTH - [...before, instruction].join(' ').length;
  const lines = Math.max(1, Math.ceil(missing / RULE.length));
  const paragraphs = [...before, Array(lines).fill(RULE).join('\n'), instruction, code];
  return (bound === undefined ? paragraphs : [...paragraphs, bound]).join('\n\n');
}

/** Fills the preview in an inbox with invisible text: zero-width characters keep the spaces from collapsing into one. */
const PADDING = '&#847;&nbsp;'.repeat(PREVIEW_LENGTH / 2);

/**
 * The name in its own direction (Unicode UAX #9, isolates): otherwise, an Arabic sentence would show "Acme, Inc." with its full
 * stop on the wrong side.
 */
function isolated(name: string): string {
  return `\u2068${name}\u2069`;
}

/** Korean breaks lines between words. Chinese and Japanese, which put no spaces between words, break them anywhere. */
const KOREAN = "'Apple SD Gothic Neo','Malgun Gothic',sans-serif;word-break:keep-all";

/** By the beginning of the tag. One Unicode character has a different form in Chinese, Japanese and Korean fonts. */
const FONTS: readonly (readonly [tag: RegExp, fonts: string])[] = [
  [/^ja\b/i, "'Hiragino Sans',Meiryo,sans-serif"],
  [/^zh-(hant|hk|mo|tw)\b/i, "'PingFang TC','Microsoft JhengHei',sans-serif"],
  [/^zh\b/i, "'PingFang SC','Microsoft YaHei',sans-serif"],
];

function fontOf(tag: string): string {
  const fonts = FONTS.find(([begins]) => begins.test(tag))?.[1] ?? KOREAN;
  return `font-family:-apple-system,BlinkMacSystemFont,'Segoe UI',${fonts}`;
}

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
  const { logo, colors, support, footer } = content;
  const { accent = '' } = colors;
  const bar = accent && `;border-top:4px solid ${accent}`;
  const image = logo
    ? `
<img src="${escapeHtml(logo.url)}" alt="${escapeHtml(logo.alt)}" width="${logo.width}" height="${logo.height}" style="display:block;margin:0 0 20px;border:0">`
    : '';
  // These are in the app's words, which may be in another direction than the email.
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
  .code { background: #2c313b !important; color: #ffffff !important; }
}
</style>
</head>
<body class="page" style="margin:0;padding:0;background:${colors.page}">
<div aria-hidden="true" style="max-height:0;overflow:hidden;mso-hide:all">${escapeHtml(content.preview)}${PADDING}</div>
<table ${TABLE} class="page" style="background:${colors.page}">
<tr><td align="center" style="padding:32px 12px">
<!--[if mso]><table role="presentation" width="600" cellpadding="0" cellspacing="0"><tr><td><![endif]-->
<table ${TABLE} class="card" style="table-layout:fixed;max-width:600px;background:#ffffff;border:1px solid #e2e5ea${bar};border-radius:12px">
<tr><td align="${align}" style="padding:32px 20px;overflow-wrap:break-word;${fontOf(tag)}">${image}
<h1 class="strong" style="margin:0 0 16px;font-size:20px;line-height:28px;color:#15181e">${escapeHtml(content.heading)}</h1>
<p class="strong" style="margin:0 0 20px;font-size:16px;line-height:24px;color:#15181e">${escapeHtml(content.instruction)}</p>
<table ${TABLE}>
<tr><td class="code" dir="ltr" align="center" style="padding:16px 4px;background:${colors.code};border-radius:8px;${MONOSPACE};${digits};line-height:40px;font-weight:700;color:#15181e">${escapeHtml(content.code)}</td></tr>
</table>
<p class="soft" style="margin:20px 0 12px;font-size:14px;line-height:20px;color:#565e6c">${escapeHtml(content.expiry)}</p>
<p class="soft" style="margin:0;font-size:14px;line-height:20px;color:#565e6c">${escapeHtml(content.ignore)}</p>${small}${bound}
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
