/** Parts that several pages are made of. */
import { type Html, html } from '../html.js';
import type { Words } from '../words/index.js';

/** What went wrong, read out at once and tied to its field. */
export function problem(message: string | undefined, id = 'problem'): Html {
  return html`<p class="problem" id="${id}" role="alert"${message === undefined && html` hidden`}>${message}</p>`;
}

/** What the script of a form says itself, and a place where it says so to those who listen. */
export function scriptWords({ problems, busy }: Words): Html {
  const { prefix, offline, unexpected, enterCode } = problems;
  return html`<p id="status" class="unseen" role="status" data-words="${JSON.stringify({ prefix, offline, unexpected, enterCode, busy })}"></p>`;
}

export interface Field {
  readonly name: string;
  readonly label: string;
  readonly type: string;
  readonly autocomplete: string;
  readonly value?: string | undefined;
  readonly hint?: string;
  /** The id of more that tells what to type. */
  readonly describedBy?: string;
  /** What is wrong with it. */
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
${hint !== undefined && html`<p class="hint" id="${id}-hint">${hint}</p>\n`}<p class="error" id="${id}-error" role="alert"${
    error === undefined && html` hidden`
  }>${error}</p>
</div>`;
}

/**
 * The stamp of the envelope: a place for it, then the stamp, then its postmark. It shows how far a sign-up has
 * come, and says nothing that the page does not say in words.
 */
export function stamp(state: 'address' | 'code' | 'account' | 'welcome'): Html {
  const isMarked = state === 'account' || state === 'welcome';
  return html`<svg class="stamp stamp-${state}" viewBox="0 0 96 96" width="96" height="96" aria-hidden="true" focusable="false">
${
  state === 'address'
    ? html`<rect class="stamp-place" x="25" y="9" width="62" height="74" rx="4"/>`
    : html`<rect class="stamp-paper" x="24" y="8" width="64" height="76"/><rect class="stamp-picture" x="30" y="14" width="52" height="64"/>
<g transform="translate(32 22)">${bird()}</g>`
}
${
  isMarked &&
  html`<g class="postmark"><circle cx="30" cy="60" r="25"/><circle cx="30" cy="60" r="18"/><path class="tick" d="M21 60l7 7 12-14"/><path d="M54 49q7-5 14 0t14 0 10-3M56 59q6-4 13 0t14 0 10-3M54 69q7-5 14 0t14 0 10-3"/></g>`
}
</svg>`;
}

/** A pigeon in 48 by 48, drawn for this demo. */
export function bird(): Html {
  return html`<path class="bird" d="M3 30c7 1 11-2 14-7 4-7 10-11 17-11 5 0 8 3 9 6l4 2-5 2c0 11-8 18-19 18-7 0-12-3-15-7-2 0-4-1-5-3z"/><path class="wing" d="M16 28c6 4 14 3 19-4-1 9-11 14-19 4z"/><circle class="eye" cx="36" cy="18" r="1.6"/>`;
}
