/** An email without a code that looks like the one with a code, for what an app sends instead. */
import { readOptions, refuse, refuseHidden } from '../checks.js';
import { directionOf, isTag } from '../locales/locale.js';
import { BRAND_NAMES, type BrandOptions, checkBrand } from './brand.js';
import { escapeHtml, isolatedIn, layout, softParagraph, strongParagraph, TABLE } from './layout.js';
import type { MailContent } from './template.js';

/** The words of an email without a code. All are plain text. */
export interface Notice {
  /** The language tag of the words, such as the `locale` that `beforeSend` gets. */
  readonly locale: string;
  readonly appName: string;
  readonly subject: string;
  readonly heading: string;
  /** One or more. An inbox shows the first of them next to the subject. */
  readonly paragraphs: readonly string[];
  /** Shown as a button. */
  readonly link?: { readonly url: string; readonly label: string } | undefined;
  /** Small print after the button, such as what to do if it was not you. */
  readonly note?: string | undefined;
}

/**
 * Writes an email without a code, for `{ kind: 'suppress', mail }` of `beforeSend`.
 *
 * @throws TypeError or RangeError for invalid words or options.
 * @example
 * const mail = noticeTemplate({ locale, appName, subject, heading, paragraphs: ['You already have an account.'] });
 */
export function noticeTemplate(notice: Notice, options: BrandOptions = {}): MailContent {
  const { locale, appName, subject, heading, paragraphs, link, note } = checkNotice(notice);
  const brand = checkBrand(readOptions(options, BRAND_NAMES, { of: OF }), OF);
  const dir = directionOf(locale);
  const [first = '', ...others] = paragraphs;
  const notes = note === undefined ? [] : [note];
  const own = [brand.support, brand.footer].filter((text) => text !== undefined);
  return {
    subject,
    text: [
      ...[isolatedIn(dir, appName), heading, first, ...others],
      ...(link ? [`${link.label}\n${link.url}`] : []),
      ...[...notes, ...own],
    ].join('\n\n'),
    html: layout({
      language: { tag: locale, dir },
      title: subject,
      preview: first,
      appName,
      heading,
      body: [
        ...[first, ...others].map(strongParagraph),
        ...(link ? [button(link)] : []),
        ...notes.map((text) => softParagraph(text, 20)),
      ].join('\n'),
      end: '',
      darkStyles: link
        ? '.button, .button a { background: #f2f4f8 !important; color: #15181e !important; }'
        : '',
      brand,
    }),
  };
}

const OF = 'noticeTemplate()';
const NAMES = {
  locale: true,
  appName: true,
  subject: true,
  heading: true,
  paragraphs: true,
  link: true,
  note: true,
};
const LINK_NAMES = { url: true, label: true };

function checkNotice(passed: Notice): Notice {
  const {
    locale = '',
    appName = '',
    subject = '',
    heading = '',
    paragraphs = [],
    link,
    note,
  } = readOptions(passed, NAMES, { of: OF });
  for (const [name, text] of Object.entries({ appName, subject, heading, note: note ?? '-' })) {
    if (typeof text !== 'string' || text === '') refuse(name, 'a string of one character or more', text, OF);
  }
  if (!isTag(locale)) refuse('locale', "a language tag as in BCP 47, such as 'de' or 'pt-BR'", locale, OF);
  if (
    !Array.isArray(paragraphs) ||
    paragraphs.length === 0 ||
    paragraphs.some((text) => typeof text !== 'string')
  )
    refuseHidden('paragraphs', 'an array of one string or more', paragraphs, OF);
  return { locale, appName, subject, heading, paragraphs, link: link && checkLink(link), note };
}

function checkLink(passed: NonNullable<Notice['link']>): Notice['link'] {
  const { url = '', label = '' } = readOptions(passed, LINK_NAMES, { path: 'link', of: OF });
  if (!(typeof url === 'string' && URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)))
    refuseHidden('link.url', 'an https or http URL', url, OF);
  if (typeof label !== 'string' || label === '')
    refuse('link.label', 'a string of one character or more', label, OF);
  return { url, label };
}

/** Outlook for Windows ignores the padding of a link, so there, and only there, the cell has it. */
function button({ url, label }: NonNullable<Notice['link']>): string {
  return `<table ${TABLE}>
<tr><td class="button" style="mso-padding-alt:12px 20px;background:#15181e;border-radius:8px"><a href="${escapeHtml(url)}" style="display:inline-block;padding:12px 20px;mso-padding-alt:0;font-size:16px;line-height:24px;font-weight:700;color:#ffffff;text-decoration:none;border-radius:8px">${escapeHtml(label)}</a></td></tr>
</table>`;
}
