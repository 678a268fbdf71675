/** Mails side by side: wide, and as on a phone. In English alone, as it is for developers. */
import { html } from '../html.js';
import type { Words } from '../words/index.js';
import { mailFrame } from './inbox.js';
import type { Page } from './layout.js';

export interface Preview {
  readonly name: string;
  readonly words: Words;
  readonly mail: { readonly subject: string; readonly text: string; readonly html: string };
}

export function previewPage(previews: readonly Preview[]): Page {
  return {
    title: 'All mails',
    wide: true,
    main: html`<div lang="en">
<div class="inbox-head"><h1 tabindex="-1">All mails</h1><p class="badge">Development only</p></div>
<p class="lead">Each mail in each language: on a desk, on a phone, and as text.</p>
${previews.map(
  ({ name, words, mail }) => html`<section class="preview">
<h2>${name} · <span lang="${words.tag}">${words.name}</span></h2>
<p class="lead" lang="${words.tag}">${mail.subject}</p>
<div class="preview-frames">
${mailFrame(mail.html, `${name}, ${words.name}, wide`)}
<div class="phone">${mailFrame(mail.html, `${name}, ${words.name}, on a phone`)}</div>
</div>
<details><summary>Text</summary><pre tabindex="0" lang="${words.tag}">${mail.text}</pre></details>
</section>
`,
)}</div>`,
  };
}
