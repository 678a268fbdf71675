/** The three steps of a sign-up: address, code, account. One is shown, a script can show another. */
import { type Html, html } from '../html.js';
import type { Progress } from '../progress.js';
import type { Words } from '../words/index.js';
import type { Page } from './layout.js';
import { field, problem } from './parts.js';

export type Step = 'address' | 'code' | 'account';

export interface SignUpView {
  readonly step: Step;
  readonly progress?: Partial<Progress> | undefined;
  /** What went wrong with the whole step. */
  readonly problem?: string | undefined;
  /** What is wrong with a field, by its name. */
  readonly errors?: Readonly<Record<string, string>>;
  /** What was typed, so that nothing is lost. */
  readonly typed?: Readonly<Record<string, string>>;
}

export function signUpPage(words: Words, view: SignUpView): Page {
  const failed = view.problem !== undefined || Object.keys(view.errors ?? {}).length > 0;
  const title = words[view.step].title;
  return {
    title: failed ? `${words.problems.prefix}: ${title}` : title,
    main: html`${addressStep(words, view)}${codeStep(words, view)}${accountStep(words, view)}`,
  };
}

function addressStep(words: Words, view: SignUpView): Html {
  const { address } = words;
  return section(
    words,
    view,
    'address',
    html`
<h1 tabindex="-1">${address.title}</h1>
<p class="lead">${address.lead}</p>
${problemOf(view, 'address')}
<form method="post" action="/sign-up/send">
${carried(view, 'challengeId')}
${field('address', {
  name: 'email',
  label: address.label,
  type: 'email',
  autocomplete: 'email',
  value: view.typed?.['email'] ?? view.progress?.email,
  error: view.errors?.['email'],
  autofocus: view.step === 'address',
})}
<button>${address.button}</button>
</form>
<p class="aside" data-if="progress"${view.progress?.email === undefined && html` hidden`}><a href="/sign-up/code">${address.haveCode}</a></p>
<p class="aside">${address.haveAccount} <a href="/sign-in">${words.nav.signIn}</a></p>
`,
  );
}

function codeStep(words: Words, view: SignUpView): Html {
  const { code } = words;
  return section(
    words,
    view,
    'code',
    html`
<h1 tabindex="-1">${code.title}</h1>
<p class="lead">${code.sentTo[0]}<strong data-show="email">${view.progress?.email}</strong>${code.sentTo[1]}</p>
${problemOf(view, 'code')}
<form method="post" action="/sign-up/code">
${carried(view, 'email', 'challengeId')}
${field('code', {
  name: 'code',
  label: code.label,
  hint: code.hint,
  type: 'text',
  inputmode: 'numeric',
  autocomplete: 'one-time-code',
  value: view.typed?.['code'],
  error: view.errors?.['code'],
  autofocus: view.step === 'code',
})}
<button>${code.button}</button>
</form>
${countdown('expires', code.expiresIn, view.progress?.expiresAt, code.expired)}
<form method="post" action="/sign-up/send" data-act="resend">
${carried(view, 'email', 'challengeId')}
<button class="quiet">${code.resend}</button>
${countdown('resend', code.resendIn, view.progress?.resendAt)}
</form>
<p class="aside">${code.noMail}</p>
<p class="aside"><a href="/sign-up">${code.change}</a></p>
`,
  );
}

function accountStep(words: Words, view: SignUpView): Html {
  const { account } = words;
  return section(
    words,
    view,
    'account',
    html`
<h1 tabindex="-1">${account.title}</h1>
<p class="lead">${account.lead[0]}<strong data-show="email">${view.progress?.email}</strong>${account.lead[1]}</p>
${problemOf(view, 'account')}
<form method="post" action="/sign-up">
${carried(view, 'email', 'verificationToken')}
${field('account', {
  name: 'name',
  label: account.name,
  type: 'text',
  autocomplete: 'name',
  value: view.typed?.['name'],
  error: view.errors?.['name'],
  autofocus: view.step === 'account',
})}
${field('account', {
  name: 'password',
  label: account.password,
  hint: account.passwordHint,
  type: 'password',
  autocomplete: 'new-password',
  error: view.errors?.['password'],
})}
<button>${account.button}</button>
</form>
`,
  );
}

const STEPS: readonly Step[] = ['address', 'code', 'account'];

function section(words: Words, view: SignUpView, step: Step, inner: Html): Html {
  return html`<section class="card" data-step="${step}" data-title="${words[step].title}"${view.step !== step && html` hidden`}>
<ol class="steps" aria-label="${words.steps.label}">
${STEPS.map(
  (one, index) => html`<li${one === step && html` aria-current="step"`}>${words.steps.names[index]}</li>\n`,
)}</ol>
${inner}
</section>
`;
}

function problemOf(view: SignUpView, step: Step): Html {
  return problem(view.step === step ? view.problem : undefined, `${step}-problem`);
}

/** What a form takes along, so that each tab goes on with what it shows. */
function carried(
  view: SignUpView,
  ...names: readonly ('email' | 'challengeId' | 'verificationToken')[]
): Html {
  return html`${names.map((name) => html`<input type="hidden" name="${name}" value="${view.progress?.[name] ?? ''}">`)}`;
}

/** The seconds are right when the page is written; a script counts on. */
function countdown(
  name: string,
  [before, after]: readonly [string, string],
  at: number | undefined,
  over = '',
): Html {
  const left = at === undefined ? undefined : Math.max(0, Math.ceil((at - Date.now()) / 1000));
  return html`<p class="countdown" data-countdown="${name}" data-over="${over}"${left === undefined && html` hidden`}>${
    left === 0 ? over : html`${before}<time>${clockTime(left ?? 0)}</time>${after}`
  }</p>`;
}

function clockTime(seconds: number): string {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}
