/** Parts that several pages are made of. */
import { type Html, html } from '../html.js';

/** What went wrong, read out at once and tied to its field. */
export function problem(message: string | undefined, id = 'problem'): Html {
  return html`<p class="problem" id="${id}" role="alert"${message === undefined && html` hidden`}>${message}</p>`;
}

export interface Field {
  readonly name: string;
  readonly label: string;
  readonly type: string;
  readonly autocomplete: string;
  readonly value?: string | undefined;
  readonly hint?: string;
  /** What is wrong with it. */
  readonly error?: string | undefined;
  readonly inputmode?: string;
  readonly autofocus?: boolean;
}

export function field(step: string, { name, label, hint, error, ...input }: Field): Html {
  const id = `${step}-${name}`;
  const describedBy = [hint !== undefined && `${id}-hint`, `${id}-error`].filter(Boolean).join(' ');
  return html`<div class="field">
<label for="${id}">${label}</label>
<input id="${id}" name="${name}" type="${input.type}" autocomplete="${input.autocomplete}" value="${input.value ?? ''}" required${
    input.inputmode !== undefined && html` inputmode="${input.inputmode}"`
  }${name === 'email' && html` autocapitalize="none" spellcheck="false"`} aria-describedby="${describedBy}"${
    error !== undefined && html` aria-invalid="true"`
  }${(input.autofocus || error !== undefined) && html` autofocus`}>
${hint !== undefined && html`<p class="hint" id="${id}-hint">${hint}</p>\n`}<p class="error" id="${id}-error" role="alert"${
    error === undefined && html` hidden`
  }>${error}</p>
</div>`;
}
