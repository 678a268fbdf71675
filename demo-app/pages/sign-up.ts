/** The three steps of the sign-up: address, code, account. Each page contains all of them and shows one. */
import { type Html, html } from '../html.js';
import type { Translation } from '../locales/index.js';
import type { Progress } from '../progress.js';
import type { Page } from './layout.js';
import { field, formError, scriptStrings, stamp } from './parts.js';

export type Step = 'address' | 'code' | 'account';

export interface SignUpView {
  readonly step: Step;
  readonly progress?: Partial<Progress> | undefined;
  /** An error about the whole step. */
  readonly error?: string | undefined;
  /** A message that is not an error. */
  readonly notice?: string | undefined;
  /** The errors of fields, by field name. */
  readonly fieldErrors?: Readonly<Record<string, string>>;
  /** The values that were submitted, by field name, so that nothing has to be retyped. */
  readonly values?: Readonly<Record<string, string>>;
  /** Whether the code step links to the inbox. */
  readonly inbox?: boolean;
  /** @default 'digits' */
  readonly codeAlphabet?: 'digits' | 'letters' | undefined;
}

export function signUpPage(t: Translation, view: SignUpView): Page {
  const hasError = view.error !== undefined || Object.keys(view.fieldErrors ?? {}).length > 0;
  const title = view.step === 'code' && !isCodeSent(view) ? t.code.notSent.title : t[view.step].title;
  return {
    title: hasError ? `${t.errors.titlePrefix}: ${title}` : title,
    scripts: ['sign-up.mjs'],
    skipTo: 'form',
    main: html`<div id="sign-up">
${addressStep(t, view)}${codeStep(t, view)}${accountStep(t, view)}
${scriptStrings(t)}
</div>`,
  };
}

function addressStep(t: Translation, view: SignUpView): Html {
  const { address } = t;
  return section(
    t,
    view,
    'address',
    html`<h1 tabindex="-1">${address.title}</h1>
<p class="lead">${address.lead}</p>
${stepError(view, 'address')}
<form method="post" action="/sign-up/send" novalidate>
${hiddenInputs(view, 'challengeId')}
${field('address', {
  name: 'email',
  label: address.label,
  type: 'email',
  autocomplete: 'email',
  value: view.values?.['email'] ?? view.progress?.email,
  error: view.fieldErrors?.['email'],
  autofocus: view.step === 'address',
})}
<button>${address.button}</button>
</form>
<p class="aside" id="have-code"${view.progress?.email === undefined && html` hidden`}><a href="/sign-up/code">${address.haveCode}</a></p>
<p class="aside">${address.haveAccount} <a href="/sign-in">${t.nav.signIn}</a></p>`,
  );
}

function codeStep(t: Translation, view: SignUpView): Html {
  const { code } = t;
  const isSent = isCodeSent(view);
  const email = html`<strong data-show="email">${view.progress?.email}</strong>`;
  return section(
    t,
    view,
    'code',
    html`<h1 tabindex="-1"><span data-sent="yes"${!isSent && html` hidden`}>${code.title}</span><span data-sent="no"${isSent && html` hidden`}>${code.notSent.title}</span></h1>
<p class="lead" id="sent-to"${!view.progress?.email && html` hidden`}><span data-sent="yes"${!isSent && html` hidden`}>${code.sentTo[0]}${email}${code.sentTo[1]}</span><span data-sent="no"${
      isSent && html` hidden`
    }>${code.notSent.lead[0]}${email}${code.notSent.lead[1]}</span></p>
${view.step === 'code' && !view.progress?.email && startOver(t)}
${stepError(view, 'code')}
<p class="notice" id="notice"${view.notice === undefined && html` hidden`}>${view.notice}</p>
<form method="post" action="/sign-up/code" novalidate>
${hiddenInputs(view, 'email', 'challengeId')}
${field('code', {
  name: 'code',
  label: code.label,
  describedBy: 'sent-to',
  type: 'text',
  ...(view.codeAlphabet === 'letters' ? { autocapitalize: 'characters' } : { inputmode: 'numeric' }),
  autocomplete: 'one-time-code',
  value: view.values?.['code'],
  error: view.fieldErrors?.['code'],
  autofocus: view.step === 'code',
})}
${countdown('expires', code.expiresIn, view.progress?.expiresAt, code.expired)}
<button>${code.button}</button>
</form>
<form class="resend" method="post" action="/sign-up/send" id="resend">
${hiddenInputs(view, 'email', 'challengeId')}
<button class="secondary" aria-describedby="resend-in">${code.resend}</button>
${countdown('resend', code.resendIn, view.progress?.resendAt)}
</form>
<p class="aside"><span data-sent="yes"${!isSent && html` hidden`}>${code.notReceived}</span>${view.inbox && html` <a href="/inbox" target="_blank">${code.inbox}</a>`}</p>
<p class="aside"><a href="/sign-up">${code.changeEmail}</a></p>`,
  );
}

function accountStep(t: Translation, view: SignUpView): Html {
  const { account } = t;
  return section(
    t,
    view,
    'account',
    html`<h1 tabindex="-1">${account.title}</h1>
<p class="lead">${account.lead[0]}<strong data-show="email">${view.progress?.email}</strong>${account.lead[1]}</p>
${view.step === 'account' && !view.progress?.email && startOver(t)}
${stepError(view, 'account')}
<form method="post" action="/sign-up" novalidate>
${hiddenInputs(view, 'email', 'verificationToken')}
${field('account', {
  name: 'name',
  label: account.name,
  type: 'text',
  autocomplete: 'name',
  value: view.values?.['name'],
  error: view.fieldErrors?.['name'],
  autofocus: view.step === 'account',
})}
${field('account', {
  name: 'password',
  label: account.password,
  hint: account.passwordHint,
  type: 'password',
  autocomplete: 'new-password',
  error: view.fieldErrors?.['password'],
})}
<button>${account.button}</button>
</form>
<p class="aside">${t.address.haveAccount} <a href="/sign-in">${t.nav.signIn}</a></p>`,
  );
}

const STEPS: readonly Step[] = ['address', 'code', 'account'];

/** The code that handles each step, for developers who try the demo. */
const SNIPPETS: Readonly<Record<Step, string>> = {
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

// In signUp, which creates the account:
await createAccount(req.verifiedEmail, …);`,
};

function section(t: Translation, view: SignUpView, step: Step, content: Html): Html {
  return html`<section data-step="${step}"${view.step !== step && html` hidden`}>
<div class="card">
<div class="card-header">
<ol class="steps" aria-label="${t.steps.label}">
${STEPS.map(
  (one, index) => html`<li${one === step && html` aria-current="step"`}>${t.steps.names[index]}</li>\n`,
)}</ol>
${stamp(step)}
</div>
${content}
</div>
<details class="snippet"><summary>${t.howItWorks}</summary><pre tabindex="0" lang="en"><code>${SNIPPETS[step]}</code></pre></details>
</section>
`;
}

/** Without a `challengeId`, no code was sent because of a limit, so there is no email to check. */
function isCodeSent({ progress }: SignUpView): boolean {
  return !progress?.email || progress.challengeId !== undefined;
}

function stepError(view: SignUpView, step: Step): Html {
  return formError(view.step === step ? view.error : undefined, `${step}-error`);
}

/** For people who open the page without a sign-up in progress and without the script that would redirect them. */
function startOver(t: Translation): Html {
  return html`<noscript><p class="form-error"><a href="/sign-up">${t.errors.startOver}</a></p></noscript>`;
}

/** Keeps the state in the form itself, so that each tab continues with the sign-up it shows. */
function hiddenInputs(
  view: SignUpView,
  ...names: readonly ('email' | 'challengeId' | 'verificationToken')[]
): Html {
  return html`${names.map((name) => html`<input type="hidden" name="${name}" value="${view.progress?.[name] ?? ''}">`)}`;
}

/** The time left when the page is rendered. The page's script counts down from there. */
function countdown(
  name: string,
  [before, after]: readonly [string, string],
  endsAt: number | undefined,
  ended = '',
): Html {
  const left = endsAt === undefined ? undefined : Math.max(0, Math.ceil((endsAt - Date.now()) / 1000));
  const hidden = left === undefined || (left === 0 && ended === '');
  return html`<p class="countdown" id="${name}-in"${hidden && html` hidden`}><span${left === 0 && html` hidden`}>${before}<time>${formatTime(left ?? 0)}</time>${after}</span><span${
    left !== 0 && html` hidden`
  }>${ended}</span></p>`;
}

function formatTime(seconds: number): string {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}
