/** The content of the email with a code: its subject, its text and its HTML. */
import { readOptions, refuse } from '../checks.js';
import type { Locale } from '../locales/index.js';
import { BRAND_NAMES, type BrandOptions, checkBrand } from './brand.js';
import {
  escapeHtml,
  isolatedIn,
  layout,
  PREVIEW_LENGTH,
  softParagraph,
  strongParagraph,
  TABLE,
} from './layout.js';

export interface TemplateInput {
  /** The canonical address that the email goes to; a sample when the template is tried at the start. */
  readonly email: string;
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
export interface TemplateOptions extends BrandOptions {
  /** Whether the email names the address for which the code was requested. @default false */
  readonly showEmail?: boolean | undefined;
}

/**
 * The default email. It has no image, unless there is a logo. A code of digits is one word, so that a double click selects it.
 *
 * @throws TypeError or RangeError for invalid options.
 * @example
 * const template: Template = (input) => defaultTemplate(input, { support: 'Questions? help@acme.example' });
 */
export function defaultTemplate(input: TemplateInput, options: TemplateOptions = {}): MailContent {
  const { email, code, expiresIn, appName, locale, originHost, codeInSubject } = input;
  const { showEmail = false, ...brandOptions } = readOptions(options, NAMES, { of: OF });
  if (typeof showEmail !== 'boolean') refuse('showEmail', 'true or false', showEmail, OF);
  const brand = checkBrand(brandOptions, OF);
  const texts = locale.mail;
  const name = isolatedIn(locale.dir, appName);
  const address = isolatedIn(locale.dir, email);
  const subject = texts.subject(name);
  const { heading } = texts;
  const instruction = texts.instruction(name);
  const expiry = texts.expiry(expiresIn);
  const notes = [...(showEmail ? [texts.requestedFor?.(address) ?? address] : []), texts.ignore];
  // As the last line, it lets browsers offer the code only on this host (WICG origin-bound one-time codes).
  const bound = originHost && `@${originHost} #${code}`;
  const own = [brand.support, brand.footer].filter((text) => text !== undefined);
  return {
    subject: codeInSubject ? texts.subjectWithCode(name, code) : subject,
    text: plainText(
      [name, heading, ...notes, ...own, expiry],
      [instruction, code, ...(bound ? [bound] : [])],
    ),
    html: layout({
      language: locale,
      title: subject,
      preview: texts.preview(name),
      appName,
      heading,
      body: [
        strongParagraph(instruction),
        codeBox(code, brand.colors.code),
        softParagraph(expiry, 20),
        ...notes.map((note) => softParagraph(note)),
      ].join('\n'),
      end: bound ? boundLine(bound) : '',
      darkStyles: '.code { background: #2c313b !important; color: #ffffff !important; }',
      brand,
    }),
  };
}

const NAMES = { ...BRAND_NAMES, showEmail: true };
const OF = 'defaultTemplate()';

const RULE = '-'.repeat(72);

/** The code comes last, after a line of dashes, or several if the text before it is short. No line feed at the end. */
function plainText(before: readonly string[], [instruction = '', ...code]: readonly string[]): string {
  const missing = PREVIEW_LENGTH - [...before, instruction].join(' ').length;
  const lines = Math.max(1, Math.ceil(missing / RULE.length));
  return [...before, Array(lines).fill(RULE).join('\n'), instruction, ...code].join('\n\n');
}

const MONOSPACE = 'font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace';

function codeBox(code: string, background: string): string {
  // Ten digits fit on a phone that is 320 px wide.
  const size = code.length > 8 ? 'font-size:28px;letter-spacing:3px' : 'font-size:32px;letter-spacing:6px';
  return `<table ${TABLE} width="100%">
<tr><td class="code" dir="ltr" align="center" style="padding:16px 4px;background:${background};border-radius:8px;${MONOSPACE};${size};line-height:40px;font-weight:700;color:#15181e">${escapeHtml(code)}</td></tr>
</table>`;
}

function boundLine(bound: string): string {
  return `
<p class="soft" dir="ltr" style="margin:20px 0 0;font-size:12px;line-height:16px;color:#565e6c">${escapeHtml(bound)}</p>`;
}
