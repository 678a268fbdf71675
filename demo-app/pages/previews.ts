/** Every email in desktop and mobile width, side by side. */
import { type Html, html } from '../html.js';
import type { Translation } from '../locales/index.js';
import { messageFrame } from './inbox.js';
import type { Page } from './layout.js';

export interface Preview {
  readonly kind: 'code' | 'existingAccount';
  readonly language: Translation;
  readonly message: { readonly subject: string; readonly text: string; readonly html: string };
}

export function previewPage(t: Translation, list: readonly Preview[]): Page {
  const { previews, development } = t;
  return {
    title: previews.title,
    wide: true,
    main: html`<div class="inbox-header"><h1 tabindex="-1">${previews.title}</h1><p class="badge">${development.badge}</p></div>
<p class="lead">${previews.lead}</p>
${list.map((preview) => section(t, preview))}`,
  };
}

function section({ previews }: Translation, { kind, language, message }: Preview): Html {
  const name = previews.names[kind];
  return html`<section class="preview">
<h2>${name} · <span lang="${language.tag}">${language.name}</span></h2>
<p class="lead" lang="${language.tag}">${message.subject}</p>
<div class="preview-frames">
${messageFrame(message.html, `${name}, ${language.name}, ${previews.desktop}`)}
<div class="mobile">${messageFrame(message.html, `${name}, ${language.name}, ${previews.mobile}`)}</div>
</div>
<details><summary>${previews.text}</summary><pre tabindex="0" lang="${language.tag}">${message.text}</pre></details>
</section>
`;
}
