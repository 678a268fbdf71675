/** The three steps of the sign-up on one page. The state of the package's browser client decides what they show. */
import { createEmailVerificationClient } from './client.mjs';
import { announce, post, storage, texts, whileBusy } from './page.mjs';
import { attachProof } from './proof.mjs';

const locale = document.documentElement.lang;
const client = createEmailVerificationClient({ baseUrl: '/email-verification', locale, storage });
const PATHS = { address: '/sign-up', code: '/sign-up/code', account: '/sign-up/account' };
const appName = document.title.split(' · ').at(-1);

const $ = (selector) => document.querySelector(selector);
const $$ = (selector) => document.querySelectorAll(selector);
const [emailInput, codeInput, nameInput] = [$('#address-email'), $('#code-code'), $('#account-name')];
/** Where the browser can prove the address, the person enters no code. */
const proof = attachProof(emailInput.form.elements.proof, { baseUrl: '/email-verification' });
const [verifyButton, resendButton] = [$('[data-step="code"] button'), $('#resend button')];
/** A code, alone or in a text. The server reads it again, and more exactly. */
const CODE = new RegExp(codeInput.dataset.pattern, 'gu');
let [currentStep, title] = ['address', ''];
/** The last code that was submitted automatically, so that a wrong code is not submitted again on each keystroke. */
let submitted = '';
/** The last code that was not accepted, with the outcome, until something else is typed. */
let refused = {};
/** The timer that tries whether the connection is back. */
let probe;

onSubmit(emailInput.form, () => {
  const email = emailInput.value.trim();
  return send(client.send({ email, extra: proof.take() }), 'address');
});
onSubmit(codeInput.form, verify);
onSubmit(resendButton.form, () => client.state.resendIn === 0 && send(client.resend(), 'code'));
onSubmit(nameInput.form, signUp);
codeInput.addEventListener('input', () => {
  refused = {};
  showError('code-code', '');
  takeCode(codeInput.value, true);
});
// A pasted code replaces what was there.
codeInput.addEventListener('paste', (event) => {
  if (takeCode(event.clipboardData.getData('text'))) event.preventDefault();
});
document.addEventListener('use-code', ({ detail }) => takeCode(detail));
document.addEventListener('click', (event) => {
  const path = event.target.closest('#form a')?.getAttribute('href');
  const opensTab = event.ctrlKey || event.metaKey || event.shiftKey;
  if (opensTab || !Object.values(PATHS).includes(path)) return;
  event.preventDefault();
  go(path);
});
// A link to a part of the page, such as the skip link, changes no step.
addEventListener('popstate', () => {
  if (location.pathname !== PATHS[currentStep]) go(location.pathname, 'replaceState');
});
// What was typed survives a change of the language.
addEventListener('pagehide', () => {
  for (const input of [emailInput, nameInput]) storage.setItem(input.id, input.value);
});
for (const input of [emailInput, nameInput]) input.value = storage.getItem(input.id) ?? '';
emailInput.value ||= client.state.email ?? '';
$('#loading').hidden = true;
$('#example').open = matchMedia('(min-width: 64rem)').matches;
go(location.pathname, 'replaceState');
client.subscribe(render);

/** Shows the step of a path, or the furthest one before it whose previous step is complete. */
function go(path, how = 'pushState') {
  const { challengeId, email = '', resendIn, verificationToken } = client.state;
  // After a refused request, a code that was sent a moment ago can still be entered.
  const furthest = verificationToken ? 'account' : challengeId || resendIn > 0 ? 'code' : 'address';
  currentStep = path === PATHS.address ? 'address' : furthest;
  if (location.pathname !== PATHS[currentStep]) history[how](null, '', PATHS[currentStep]);
  for (const one of $$('[data-step]')) one.hidden = one.dataset.step !== currentStep;
  for (const one of $$('.steps li')) one.ariaCurrent = one.dataset.for === currentStep ? 'step' : null;
  for (const one of $$('[data-show="email"]')) one.textContent = email;
  $('#account-email').value = email;
  $('#have-code').hidden = furthest === 'address';
  // Without a panel, it stays beside the form.
  $('#intro').hidden = currentStep !== 'address' && $('#panel') !== null;
  clearMessages();
  render(client.state);
  const input = $(`[data-step="${currentStep}"] input:not([readonly])`);
  input.focus();
  input.select();
  document.dispatchEvent(new CustomEvent('step', { detail: { step: currentStep, email } }));
}

/** Runs at each change of the client's state, and each second of a countdown. */
function render({ challengeId, expiresIn, resendIn, verificationToken }) {
  updateTitle();
  // From then on, the times are those of the token.
  if (verificationToken) return;
  for (const one of $$('[data-sent]')) one.hidden = (one.dataset.sent === 'yes') !== Boolean(challengeId);
  showCountdown('#expires-in', expiresIn, challengeId);
  showCountdown('#resend-in', resendIn, resendIn > 0);
  // Without a code that can be entered, the main button is the one that sends another.
  const needsCode = currentStep === 'code' && (challengeId ? expiresIn === 0 : resendIn === 0);
  verifyButton.className = needsCode ? 'outline secondary' : '';
  resendButton.className = needsCode ? '' : 'outline secondary';
  if (resendButton.form.ariaBusy !== 'true') resendButton.ariaDisabled = resendIn > 0 ? 'true' : null;
}

function showCountdown(id, seconds, isShown) {
  const line = $(id);
  const [running, ended] = line.children;
  if (isShown && !running.hidden && seconds === 0 && ended.textContent) {
    // What was wrong with the last code matters no longer.
    refused = {};
    showError('code-code', '');
    announce(ended.textContent);
  }
  line.hidden = !isShown;
  running.hidden = seconds === 0;
  ended.hidden = seconds > 0;
  // Such as 2:59, of 1970-01-01T00:02:59.000Z.
  $(`${id} time`).textContent = new Date(seconds * 1000).toISOString().replace(/.*T(00:0?)?|\..*/g, '');
}

/** @param from The step whose button requested the code: `address`, or `code` for a resend. */
async function send(request, from) {
  const { kind, message, errors } = await request;
  const isSent = kind === 'sent' || kind === 'delivery_unknown';
  announce('');
  submitted = '';
  refused = {};
  if (errors) go(PATHS.address);
  if (errors) return showError('address-email', errors[0].message);
  if (kind === 'verified') go(PATHS.account);
  if (kind === 'verified') return announce(message);
  if (!isSent && kind !== 'too_many_requests') return showFailure(from, kind, message);
  if (kind === 'sent' && from === 'address') codeInput.value = '';
  go(PATHS.code);
  // A second click is no mistake: the countdown goes on.
  const text = isSent ? message : client.state.expiresIn > 0 ? texts.alreadySent : texts.enterCode;
  if (kind !== 'sent' || from === 'code') $('#notice').textContent = text;
  announce(text);
}

async function verify() {
  const code = codeInput.value;
  announce(texts.checking);
  // Enter after the automatic submit must not spend another attempt on the same code.
  const outcome = code === refused.code ? refused : await client.verify(code);
  const { kind, message, errors } = outcome;
  announce('');
  if (errors) return showError('code-code', errors[0].message);
  if (kind === 'code_incorrect' || kind === 'code_expired') {
    refused = { code, kind, message };
    showError('code-code', message);
    return codeInput.select();
  }
  if (kind !== 'verified') return showFailure('code', kind, message);
  go(PATHS.account, 'replaceState');
  announce(message);
}

async function signUp() {
  const { email, verificationToken } = client.state;
  const fields = { ...Object.fromEntries(new FormData(nameInput.form)), verificationToken, locale };
  const response = await post('/sign-up', fields);
  const answer = Object(await response?.json().catch(() => undefined));
  const { url, errors = [], message, reason = response ? 'unexpected' : 'offline' } = answer;
  for (const error of errors.toReversed()) showError(`account-${error.field}`, error.message);
  if (errors.length > 0) return;
  // The answer of the server may be lost after it has created the account, and used up the token.
  if (answer.ok === undefined) storage.setItem('unanswered', verificationToken);
  if (!url && reason !== 'email_not_verified') return showFailure('account', reason, message);
  const isUnanswered = storage.getItem('unanswered') === verificationToken;
  client.reset();
  if (url) return location.replace(url);
  emailInput.value = email;
  go(PATHS.address);
  showError('address', isUnanswered ? texts.mayHaveAccount : texts.verificationExpired);
  if (isUnanswered) $('#address-error').append(' ', $('.aside a[href="/sign-in"]').cloneNode(true));
}

function onSubmit(form, action) {
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    await whileBusy(form, () => {
      clearMessages();
      return action();
    });
    render(client.state);
    // The code may have been corrected while the request was pending.
    if (form === codeInput.form) takeCode(codeInput.value, true);
  });
}

/** Submits the code in a text. A typed code is not submitted twice in a row: see `submitted`. */
function takeCode(text, isTyped) {
  const [code = '', another] = (currentStep === 'code' && text.trim().match(CODE)) || [];
  const isNew = !isTyped || code !== submitted;
  if (!code || another) submitted = '';
  if (!code || another) return false;
  codeInput.value = code;
  if (!isNew || codeInput.form.ariaBusy === 'true') return true;
  submitted = code;
  codeInput.form.requestSubmit();
  return true;
}

/** @param id The ID of a field, or a step for an error about the whole of it. */
function showError(id, message, kind = '') {
  const [line, input] = [$(`#${id}-error`), $(`input#${id}`)];
  if (line.textContent !== message) line.textContent = message;
  line.dataset.kind = kind;
  if (input) input.ariaInvalid = message ? 'true' : null;
  if (message) input?.focus();
  updateTitle();
}

/** Shows an outage, a refusal, or a lost connection, and the last until the connection is back. */
function showFailure(step, kind, message = texts.unexpected) {
  const connection = navigator.onLine ? texts.unreachable : texts.offline;
  showError(step, kind === 'offline' ? connection : message, kind);
  if (kind === 'offline') probe = setTimeout(reconnect, 2000, step);
}

/** Until something else is shown. */
async function reconnect(step) {
  const own = probe;
  const { ok } = await fetch('/assets/icon.svg', { method: 'HEAD', cache: 'no-store' }).catch(() => ({}));
  if (own !== probe) return;
  if (!ok) return showFailure(step, 'offline');
  clearMessages();
  announce(texts.reconnected);
}

function clearMessages() {
  clearTimeout(probe);
  probe = undefined;
  for (const line of $$('#form [role="alert"], #notice')) line.textContent = '';
  for (const input of $$('#form [aria-invalid]')) input.ariaInvalid = null;
  announce('');
  updateTitle();
}

/** Prefixes the title while the page shows an error. Others may prefix it too, so it is set only when it changes. */
function updateTitle() {
  const shown = $('[data-step]:not([hidden])');
  const prefix = shown.querySelector('[role="alert"]:not(:empty)') ? `${texts.errorPrefix}: ` : '';
  const next = `${prefix}${shown.querySelector('h1').innerText} · ${appName}`;
  if (next !== title) document.title = title = next;
}
