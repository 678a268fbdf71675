/** Mails side by side: wide, and as on a phone. */
import { type Html, html } from '../html.js';
import type { Words } from '../words/index.js';
import { mailFrame } from './inbox.js';
import type { Page } from './layout.js';

export interface Preview {
  readonly kind: 'code' | 'taken';
  readonly language: Words;
  readonly mail: { readonly subject: string; readonly text: string; readonly html: string };
}

export function previewPage(words: Words, mails: readonly Preview[]): Page {
  const { previews, development } = words;
  return {
    title: previews.title,
    wide: true,
    main: html`<div class="inbox-head"><h1 tabindex="-1">${previews.title}</h1><p class="badge">${development.badge}</p></div>
<p class="lead">${previews.lead}</p>
${mails.map((mail) => section(words, mail))}`,
  };
}

function section({ previews }: Words, { kind, language, mail }: Preview): Html {
  const name = previews.names[kind];
  return html`<section class="preview">
<h2>${name} · <span lang="${language.tag}">${language.name}</span></h2>
<p class="lead" lang="${language.tag}">${mail.subject}</p>
<div class="preview-frames">
${mailFrame(mail.html, `${name}, ${language.name}, ${previews.wide}`)}
<div class="phone">${mailFrame(mail.html, `${name}, ${language.name}, ${previews.phone}`)}</div>
</div>
<details><summary>${previews.text}</summary><pre tabindex="0" lang="${language.tag}">${mail.text}</pre></details>
</section>
`;
}
