/** The three steps of the sign-up on one page. The state of the package's browser client decides what they show. */
import { createEmailVerificationClient } from './client.mjs';
import { announce, texts, whileBusy } from './page.mjs';

const lang = document.documentElement.lang;
// sessionStorage survives a reload, and is separate for each tab.
const client = createEmailVerificationClient({
  baseUrl: '/email-verification',
  locale: lang,
  storage: sessionStorage,
});
const PATHS = { address: '/sign-up', code: '/sign-up/code', account: '/sign-up/account' };
const appName = document.title.split(' · ').at(-1);

const byId = (id) => document.getElementById(id);
const all = (selector) => document.querySelectorAll(selector);
const sectionOf = (step) => document.querySelector(`[data-step="${step}"]`);
const formOf = (step) => sectionOf(step).querySelector('form');
const emailInput = byId('address-email');
const codeInput = byId('code-code');
const resend = byId('resend');
const notice = byId('notice');
const verifyButton = formOf('code').querySelector('button');
const resendButton = resend.querySelector('button');

const [CHARACTER, ...CODE_FORMS] = codeInput.inputMode
  ? ['\\p{Nd}', /\p{Nd}+/gu, /\p{Nd}+(?:[\p{Zs}\p{Pd}]+\p{Nd}+)*/gu]
  : ['\\p{L}', /\b\p{L}{4}\p{Pd}\p{L}{4}\b/gu];
const COMPLETE = new RegExp(`^${CHARACTER}{${codeInput.dataset.length}}$`, 'u');

/** The last code that was submitted automatically, so that a wrong code is not submitted again on each keystroke. */
let submitted = '';

onSubmit(formOf('address'), () => send(client.send({ email: emailInput.value.trim() }), 'address'));
onSubmit(formOf('code'), verify);
onSubmit(resend, () => client.state.resendIn === 0 && send(client.resend(), 'code'));
onSubmit(formOf('account'), signUp);
codeInput.addEventListener('input', () => {
  showError('code-code');
  submitWhenComplete();
});
codeInput.addEventListener('paste', (event) => {
  if (useCode(event.clipboardData.getData('text'))) event.preventDefault();
});
document.addEventListener('use-code', (event) => useCode(event.detail));
new BroadcastChannel('email-verification-demo').addEventListener('message', ({ data }) => {
  const isForThisPage = data.email === client.state.email && currentStep() === 'code';
  if (isForThisPage && !client.state.verificationToken) useCode(data.code);
});
document.addEventListener('click', (event) => {
  const link = event.target.closest('#form a');
  const step = Object.keys(PATHS).find((name) => PATHS[name] === link?.getAttribute('href'));
  if (!step) return;
  event.preventDefault();
  go(reachable(step));
});
addEventListener('popstate', () => show(reachable(currentStep())));
// What was typed survives a change of the language.
addEventListener('pagehide', () => {
  for (const id of ['address-email', 'account-name']) sessionStorage.setItem(id, byId(id).value);
});
client.subscribe(render);
start();

function start() {
  for (const id of ['address-email', 'account-name']) byId(id).value = sessionStorage.getItem(id) ?? '';
  emailInput.value ||= client.state.email ?? '';
  byId('loading').remove();
  document.querySelector('.steps').hidden = false;
  byId('example').open = matchMedia('(min-width: 64rem)').matches;
  const step = reachable(currentStep());
  history.replaceState(null, '', PATHS[step]);
  show(step);
}

function currentStep() {
  return Object.keys(PATHS).find((step) => PATHS[step] === location.pathname) ?? 'address';
}

/** The furthest step, up to the requested one, whose previous step is complete. */
function reachable(step) {
  if (step === 'address') return step;
  if (client.state.verificationToken) return 'account';
  return mayHaveCode() ? 'code' : 'address';
}

/** A code was sent, or another one was refused because one was sent recently. */
function mayHaveCode() {
  const { challengeId, resendIn, verificationToken } = client.state;
  return Boolean(challengeId || verificationToken) || resendIn > 0;
}

function go(step) {
  if (location.pathname !== PATHS[step]) history.pushState(null, '', PATHS[step]);
  show(step);
}

function show(step) {
  const { email = '' } = client.state;
  clearMessages();
  for (const one of all('[data-step]')) one.hidden = one.dataset.step !== step;
  for (const one of all('[data-for]')) one.ariaCurrent = one.dataset.for === step ? 'step' : null;
  for (const one of all('[data-show="email"]')) one.textContent = email;
  byId('account-email').value = email;
  byId('have-code').hidden = !mayHaveCode();
  byId('intro').hidden = step !== 'address';
  render(client.state);
  const input = sectionOf(step).querySelector('input:not([readonly])');
  input.focus();
  if (step !== 'account') input.select();
  document.dispatchEvent(new CustomEvent('step', { detail: { step, email } }));
}

/** Runs at each change of the client's state, and each second of a countdown. */
function render({ challengeId, expiresIn, resendIn, verificationToken }) {
  updateTitle();
  // Then the times are those of the token.
  if (verificationToken) return;
  const isSent = Boolean(challengeId);
  const needsNew = isSent ? expiresIn === 0 : resendIn === 0;
  for (const one of all('[data-sent]')) one.hidden = (one.dataset.sent === 'yes') !== isSent;
  showCountdown('expires-in', expiresIn, isSent);
  showCountdown('resend-in', resendIn, resendIn > 0);
  // Without a code that can be entered, the main button is the one that sends another.
  verifyButton.className = needsNew ? 'outline secondary' : '';
  resendButton.className = needsNew ? '' : 'outline secondary';
  if (resend.ariaBusy !== 'true') resendButton.ariaDisabled = resendIn > 0 ? 'true' : null;
}

function showCountdown(id, seconds, isVisible) {
  const line = byId(id);
  const [running, ended] = line.children;
  if (!line.hidden && !running.hidden && seconds === 0) announce(ended.textContent);
  line.hidden = !isVisible;
  running.hidden = seconds === 0;
  ended.hidden = seconds !== 0;
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const parts = hours > 0 ? [hours, pad(minutes), pad(seconds % 60)] : [minutes, pad(seconds % 60)];
  running.querySelector('time').textContent = parts.join(':');
}

function pad(number) {
  return String(number).padStart(2, '0');
}

/** @param from The step whose button requested the code: `address`, or `code` for a resend. */
async function send(request, from) {
  clearMessages();
  const outcome = await request;
  submitted = '';
  switch (outcome.kind) {
    case 'sent':
      if (from === 'address') codeInput.value = '';
      go('code');
      if (from === 'code') showNotice(outcome.message);
      return announce(outcome.message);
    case 'delivery_unknown':
      go('code');
      return showNotice(outcome.message);
    case 'too_many_requests':
      go('code');
      return showNotice(client.state.expiresIn > 0 ? texts.alreadySent : texts.enterCode);
    case 'invalid_request':
      go('address');
      return showError('address-email', fieldErrorOf(outcome, 'email'));
    default:
      return showFailure(from, outcome);
  }
}

async function verify() {
  clearMessages();
  announce(texts.checking);
  const outcome = await client.verify(codeInput.value);
  announce('');
  switch (outcome.kind) {
    case 'verified':
      history.replaceState(null, '', PATHS.account);
      show('account');
      return announce(outcome.message);
    case 'invalid_request':
      return showError('code-code', fieldErrorOf(outcome, 'code'));
    case 'code_incorrect':
    case 'code_expired':
      showError('code-code', outcome.message);
      return codeInput.select();
    default:
      return showFailure('code', outcome);
  }
}

async function signUp() {
  clearMessages();
  const { email, verificationToken } = client.state;
  const fields = { ...Object.fromEntries(new FormData(formOf('account'))), email, verificationToken };
  const response = await fetch('/sign-up', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ ...fields, locale: lang }),
  }).catch(() => undefined);
  if (!response) return showFailure('account', { kind: 'offline' });
  const { url, errors, message, reason } = await response.json().catch(() => ({}));
  if (url) {
    client.reset();
    return location.replace(url);
  }
  if (reason === 'email_not_verified') {
    client.reset();
    emailInput.value = email ?? '';
    go('address');
    return showError('address', texts.verificationExpired);
  }
  if (!errors) return showFailure('account', { kind: reason, message });
  for (const { field, message } of errors.toReversed()) showError(`account-${field}`, message);
}

function onSubmit(form, action) {
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    await whileBusy(form, action);
    render(client.state);
    // The code may have been corrected while the request was pending.
    if (form === formOf('code') && currentStep() === 'code') submitWhenComplete();
  });
}

/** Puts a pasted code into the field and submits it. */
function useCode(text) {
  const code = codeIn(text);
  if (!code || currentStep() !== 'code') return false;
  codeInput.value = code;
  submitted = '';
  submitWhenComplete();
  return true;
}

function submitWhenComplete() {
  const code = codeIn(codeInput.value);
  if (!code) submitted = '';
  if (!code || code === submitted || formOf('code').ariaBusy === 'true') return;
  submitted = code;
  formOf('code').requestSubmit();
}

/** The code in a text, if there is exactly one. The server reads it again. */
function codeIn(text) {
  const clean = text.replace(/\p{Cf}/gu, '');
  const candidates = [[clean], ...CODE_FORMS.map((form) => clean.match(form) ?? [])];
  const found = candidates.map((texts) => texts.map(withoutSeparators).filter((bare) => COMPLETE.test(bare)));
  const [code, another] = found.find((codes) => codes.length > 0) ?? [];
  return another === undefined ? code : undefined;
}

function withoutSeparators(text) {
  return text.replace(/[\s\p{Pd}\u2212]/gu, '');
}

/** @param id Of a field, or the name of a step for an error about the whole of it. */
function showError(id, message, kind = 'refusal') {
  const line = byId(`${id}-error`);
  line.hidden = message === undefined;
  line.textContent = message ?? '';
  line.dataset.kind = kind;
  const input = byId(id);
  if (input) input.ariaInvalid = message === undefined ? null : 'true';
  if (message !== undefined) input?.focus();
  updateTitle();
}

/** An outage, a lost connection and a refusal look different. */
function showFailure(step, { kind, message }) {
  if (kind === 'offline') return void showLostConnection(step);
  showError(step, message ?? texts.unexpected, kind === 'unavailable' ? 'outage' : 'refusal');
}

/** Says whether the browser is offline or the server does not respond, until it does. */
async function showLostConnection(step) {
  const line = byId(`${step}-error`);
  do {
    const text = navigator.onLine ? texts.unreachable : texts.offline;
    if (line.textContent !== text) showError(step, text, 'connection');
    await new Promise((resolve) => setTimeout(resolve, 2000));
    const { ok } = await fetch('/assets/icon.svg', { method: 'HEAD', cache: 'no-store' }).catch(() => ({}));
    if (ok && line.dataset.kind === 'connection' && !line.hidden) {
      showError(step);
      announce(texts.reconnected);
    }
  } while (line.dataset.kind === 'connection' && !line.hidden);
}

function showNotice(text) {
  notice.hidden = false;
  notice.textContent = text;
  announce(text);
}

function clearMessages() {
  for (const line of all('#form [role="alert"], #notice')) {
    line.hidden = true;
    line.textContent = '';
  }
  for (const input of all('#form [aria-invalid]')) input.ariaInvalid = null;
  announce('');
}

function updateTitle() {
  const heading = document.querySelector('[data-step]:not([hidden]) h1').innerText;
  const hasError = document.querySelector('[data-step]:not([hidden]) [role="alert"]:not([hidden])') !== null;
  const title = `${hasError ? `${texts.errorPrefix}: ` : ''}${heading} · ${appName}`;
  if (document.title !== title) document.title = title;
}

function fieldErrorOf({ errors }, field) {
  return errors.find((error) => error.field === field)?.message ?? texts.unexpected;
}
