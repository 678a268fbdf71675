/** The three steps of a sign-up: address, code, account. One is shown; the page's script shows the others. */
import { type Html, html } from '../html.js';
import type { Progress } from '../progress.js';
import type { Words } from '../words/index.js';
import type { Page } from './layout.js';
import { field, problem, scriptWords, stamp } from './parts.js';

export type Step = 'address' | 'code' | 'account';

export interface SignUpView {
  readonly step: Step;
  readonly progress?: Partial<Progress> | undefined;
  /** What went wrong with the whole step. */
  readonly problem?: string | undefined;
  /** What is to be known of the step, with nothing wrong. */
  readonly notice?: string | undefined;
  /** What is wrong with a field, by its name. */
  readonly errors?: Readonly<Record<string, string>>;
  /** What was typed, so that nothing is lost. */
  readonly typed?: Readonly<Record<string, string>>;
  readonly inbox?: boolean;
}

export function signUpPage(words: Words, view: SignUpView): Page {
  const failed = view.problem !== undefined || Object.keys(view.errors ?? {}).length > 0;
  const title = view.step === 'code' && !isMailed(view) ? words.code.notSent.title : words[view.step].title;
  return {
    title: failed ? `${words.problems.prefix}: ${title}` : title,
    scripts: ['sign-up.mjs'],
    skipTo: 'form',
    main: html`<div id="sign-up">
${addressStep(words, view)}${codeStep(words, view)}${accountStep(words, view)}
${scriptWords(words)}
</div>`,
  };
}

function addressStep(words: Words, view: SignUpView): Html {
  const { address } = words;
  return section(
    words,
    view,
    'address',
    html`<h1 tabindex="-1">${address.title}</h1>
<p class="lead">${address.lead}</p>
${problemOf(view, 'address')}
<form method="post" action="/sign-up/send" novalidate>
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
<p class="aside" id="have-code"${view.progress?.email === undefined && html` hidden`}><a href="/sign-up/code">${address.haveCode}</a></p>
<p class="aside">${address.haveAccount} <a href="/sign-in">${words.nav.signIn}</a></p>`,
  );
}

function codeStep(words: Words, view: SignUpView): Html {
  const { code } = words;
  const mailed = isMailed(view);
  const email = html`<strong data-show="email">${view.progress?.email}</strong>`;
  return section(
    words,
    view,
    'code',
    html`<h1 tabindex="-1"><span data-mailed="yes"${!mailed && html` hidden`}>${code.title}</span><span data-mailed="no"${mailed && html` hidden`}>${code.notSent.title}</span></h1>
<p class="lead" id="sent-to"${!view.progress?.email && html` hidden`}><span data-mailed="yes"${!mailed && html` hidden`}>${code.sentTo[0]}${email}${code.sentTo[1]}</span><span data-mailed="no"${
      mailed && html` hidden`
    }>${code.notSent.lead[0]}${email}${code.notSent.lead[1]}</span></p>
${view.step === 'code' && !view.progress?.email && startOver(words)}
${problemOf(view, 'code')}
<p class="notice" id="notice"${view.notice === undefined && html` hidden`}>${view.notice}</p>
<form method="post" action="/sign-up/code" novalidate>
${carried(view, 'email', 'challengeId')}
${field('code', {
  name: 'code',
  label: code.label,
  describedBy: 'sent-to',
  type: 'text',
  inputmode: 'numeric',
  autocomplete: 'one-time-code',
  value: view.typed?.['code'],
  error: view.errors?.['code'],
  autofocus: view.step === 'code',
})}
${countdown('expires', code.expiresIn, view.progress?.expiresAt, code.expired)}
<button>${code.button}</button>
</form>
<form class="resend" method="post" action="/sign-up/send" id="resend">
${carried(view, 'email', 'challengeId')}
<button class="quiet" aria-describedby="resend-in">${code.resend}</button>
${countdown('resend', code.resendIn, view.progress?.resendAt)}
</form>
<p class="aside"><span data-mailed="yes"${!mailed && html` hidden`}>${code.noMail}</span>${view.inbox && html` <a href="/inbox" target="_blank">${code.inbox}</a>`}</p>
<p class="aside"><a href="/sign-up">${code.change}</a></p>`,
  );
}

function accountStep(words: Words, view: SignUpView): Html {
  const { account } = words;
  return section(
    words,
    view,
    'account',
    html`<h1 tabindex="-1">${account.title}</h1>
<p class="lead">${account.lead[0]}<strong data-show="email">${view.progress?.email}</strong>${account.lead[1]}</p>
${view.step === 'account' && !view.progress?.email && startOver(words)}
${problemOf(view, 'account')}
<form method="post" action="/sign-up" novalidate>
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
<p class="aside">${words.address.haveAccount} <a href="/sign-in">${words.nav.signIn}</a></p>`,
  );
}

const STEPS: readonly Step[] = ['address', 'code', 'account'];

/** What makes each step, for the developer who tries the demo. */
const HOOD: Readonly<Record<Step, string>> = {
  address: `app.use('/email-verification',
  emailVerificationRouter(verification));

// POST /email-verification/send { email }
// 200 { ok: true, message,
//       challengeId, expiresIn, resendIn }`,
  code: `// POST /email-verification/verify
//     { email, code, challengeId }
// 200 { verify: true, message,
//       verificationToken, expiresIn }
// 401 { verify: false, message,
//       reason: 'code_incorrect', attemptsLeft }`,
  account: `app.post('/sign-up',
  requireVerifiedEmail(verification), signUp);

// signUp: before it there is no account
await createAccount(req.verifiedEmail, …);`,
};

function section(words: Words, view: SignUpView, step: Step, inner: Html): Html {
  return html`<section data-step="${step}"${view.step !== step && html` hidden`}>
<div class="card">
<div class="card-head">
<ol class="steps" aria-label="${words.steps.label}">
${STEPS.map(
  (one, index) => html`<li${one === step && html` aria-current="step"`}>${words.steps.names[index]}</li>\n`,
)}</ol>
${stamp(step)}
</div>
${inner}
</div>
<details class="hood"><summary>${words.hood}</summary><pre tabindex="0" lang="en"><code>${HOOD[step]}</code></pre></details>
</section>
`;
}

/** Whoever was refused a code, and holds none, has no mail to look for. */
function isMailed({ progress }: SignUpView): boolean {
  return !progress?.email || progress.challengeId !== undefined;
}

function problemOf(view: SignUpView, step: Step): Html {
  return problem(view.step === step ? view.problem : undefined, `${step}-problem`);
}

/** For who comes here with no sign-up under way, and without the script that would send them back. */
function startOver(words: Words): Html {
  return html`<noscript><p class="problem"><a href="/sign-up">${words.problems.startOver}</a></p></noscript>`;
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
  const hidden = left === undefined || (left === 0 && over === '');
  return html`<p class="countdown" id="${name}-in"${hidden && html` hidden`}><span${left === 0 && html` hidden`}>${before}<time>${clockTime(left ?? 0)}</time>${after}</span><span class="over"${
    left !== 0 && html` hidden`
  }>${over}</span></p>`;
}

function clockTime(seconds: number): string {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}
