/** Parts shared by several pages. */
import { type Html, html } from '../html.js';
import type { Translation } from '../locales/index.js';

/** An error about the whole form, announced by screen readers as soon as it appears. */
export function formError(message: string | undefined, id = 'form-error'): Html {
  return html`<p class="form-error" id="${id}" role="alert"${message === undefined && html` hidden`}>${message}</p>`;
}

/** The texts for the page's script, and the live region where it announces them. */
export function scriptStrings({ errors, busy }: Translation): Html {
  const { titlePrefix, offline, unexpected, enterCode } = errors;
  return html`<p id="status" class="visually-hidden" role="status" data-strings="${JSON.stringify({ titlePrefix, offline, unexpected, enterCode, busy })}"></p>`;
}

export interface Field {
  readonly name: string;
  readonly label: string;
  readonly type: string;
  readonly autocomplete: string;
  readonly value?: string | undefined;
  readonly hint?: string;
  /** The ID of another element that describes the field. */
  readonly describedBy?: string;
  readonly error?: string | undefined;
  readonly inputmode?: string;
  readonly autofocus?: boolean;
}

export function field(step: string, { name, label, hint, error, ...input }: Field): Html {
  const id = `${step}-${name}`;
  const describedBy = [input.describedBy, hint !== undefined && `${id}-hint`, `${id}-error`]
    .filter(Boolean)
    .join(' ');
  return html`<div class="field">
<label for="${id}">${label}</label>
<input id="${id}" name="${name}" type="${input.type}" autocomplete="${input.autocomplete}" value="${input.value ?? ''}" required${
    input.inputmode !== undefined && html` inputmode="${input.inputmode}"`
  }${name === 'email' && html` autocapitalize="none" spellcheck="false"`} aria-describedby="${describedBy}"${
    error !== undefined && html` aria-invalid="true"`
  }${(input.autofocus || error !== undefined) && html` autofocus`}>
${hint !== undefined && html`<p class="hint" id="${id}-hint">${hint}</p>\n`}<p class="field-error" id="${id}-error" role="alert"${
    error === undefined && html` hidden`
  }>${error}</p>
</div>`;
}

/**
 * A postage stamp that shows the progress of the sign-up: first its outline, then the stamp, then a postmark with a
 * check mark. It is decorative: the page says the same in text.
 */
export function stamp(state: 'address' | 'code' | 'account' | 'welcome'): Html {
  const hasPostmark = state === 'account' || state === 'welcome';
  return html`<svg class="stamp stamp-${state}" viewBox="0 0 96 96" width="96" height="96" aria-hidden="true" focusable="false">
${
  state === 'address'
    ? html`<rect class="stamp-outline" x="25" y="9" width="62" height="74" rx="4"/>`
    : html`<rect class="stamp-paper" x="24" y="8" width="64" height="76"/><rect class="stamp-picture" x="30" y="14" width="52" height="64"/>
<g transform="translate(32 22)">${logo()}</g>`
}
${
  hasPostmark &&
  html`<g class="postmark"><circle cx="30" cy="60" r="25"/><circle cx="30" cy="60" r="18"/><path class="check-mark" d="M21 60l7 7 12-14"/><path d="M54 49q7-5 14 0t14 0 10-3M56 59q6-4 13 0t14 0 10-3M54 69q7-5 14 0t14 0 10-3"/></g>`
}
</svg>`;
}

/** The logo, a bird, for a `viewBox` of 48 by 48. */
export function logo(): Html {
  return html`<path class="bird" d="M3 30c7 1 11-2 14-7 4-7 10-11 17-11 5 0 8 3 9 6l4 2-5 2c0 11-8 18-19 18-7 0-12-3-15-7-2 0-4-1-5-3z"/><path class="wing" d="M16 28c6 4 14 3 19-4-1 9-11 14-19 4z"/><circle class="eye" cx="36" cy="18" r="1.6"/>`;
}
