/**
 * The three steps without a page load, by the browser client of the package. Without this script the forms go
 * to the server and do the same.
 */
import { createEmailVerificationClient } from './client.mjs';
import { clearProblems, markTitle, showProblem, showProblems, submitForm, whileBusy } from './forms.mjs';
import { words } from './words.mjs';

const page = document.getElementById('sign-up');
const client = createEmailVerificationClient({
  baseUrl: '/email-verification',
  locale: document.documentElement.lang,
  // Survives a reload, and each tab has its own.
  storage: sessionStorage,
});

const PATHS = { address: '/sign-up', code: '/sign-up/code', account: '/sign-up/account' };
const CODE_LENGTH = 6;
const siteName = document.title.split(' · ').at(-1);

const section = (step) => page.querySelector(`[data-step="${step}"]`);
const addressForm = section('address').querySelector('form');
const codeForm = section('code').querySelector('form');
const resendForm = document.getElementById('resend');
const accountForm = section('account').querySelector('form');
const emailInput = addressForm.elements.email;
const codeInput = codeForm.elements.code;
const resendButton = resendForm.querySelector('button');

/** The code that was last sent off by itself: a wrong one is not sent again at each key. */
let submitted = '';

/** The server goes on by its cookie where this tab knows of nothing: a sign-up that was begun without this script. */
const isServerLed =
  !client.state.email && codeForm.elements.email.value !== '' && location.pathname !== PATHS.address;
if (!isServerLed) start();

function start() {
  addressForm.addEventListener('submit', (event) => {
    event.preventDefault();
    void busy(addressForm, () => send(client.send({ email: emailInput.value.trim() }), 'address'));
  });
  resendForm.addEventListener('submit', (event) => {
    event.preventDefault();
    if (client.state.resendIn > 0) return;
    void busy(resendForm, () => send(client.resend(), 'code'));
  });
  codeForm.addEventListener('submit', (event) => {
    event.preventDefault();
    // A code that was mended meanwhile is next.
    void busy(codeForm, verify).then(submitWhenComplete);
  });
  codeInput.addEventListener('input', () => {
    showFieldProblem(codeInput, undefined);
    submitWhenComplete();
  });
  accountForm.addEventListener('submit', (event) => {
    event.preventDefault();
    void busy(accountForm, signUp);
  });
  page.addEventListener('click', (event) => {
    const link = event.target.closest('a');
    const step = link && Object.keys(PATHS).find((name) => PATHS[name] === link.getAttribute('href'));
    if (!step) return;
    event.preventDefault();
    clearProblems(page);
    go(reachable(step));
  });
  window.addEventListener('popstate', () => {
    clearProblems(page);
    show(reachable(stepOfPath()));
  });
  client.subscribe(showTimes);

  emailInput.value ||= client.state.email ?? '';
  const step = reachable(stepOfPath());
  history.replaceState(null, '', PATHS[step]);
  show(step);
}

function stepOfPath() {
  return Object.keys(PATHS).find((step) => PATHS[step] === location.pathname) ?? 'address';
}

/** A step needs what the one before it gave. */
function reachable(step) {
  if (step === 'address') return step;
  if (client.state.verificationToken) return 'account';
  return mayHaveCode() ? 'code' : 'address';
}

/** One was mailed, or so lately that another was refused. */
function mayHaveCode() {
  const { challengeId, resendIn, verificationToken } = client.state;
  return Boolean(challengeId || verificationToken) || resendIn > 0;
}

function go(step) {
  if (location.pathname !== PATHS[step]) history.pushState(null, '', PATHS[step]);
  show(step);
}

function show(step) {
  const { email = '', challengeId = '', verificationToken = '' } = client.state;
  for (const one of page.querySelectorAll('[data-step]')) one.hidden = one.dataset.step !== step;
  for (const one of page.querySelectorAll('[data-show="email"]')) one.textContent = email;
  // Whoever was refused a code has none to look for.
  const mailed = email && !challengeId ? 'no' : 'yes';
  for (const one of page.querySelectorAll('[data-mailed]')) one.hidden = one.dataset.mailed !== mailed;
  document.getElementById('sent-to').hidden = !email;
  // What the forms carry, should they ever go to the server themselves.
  for (const form of [addressForm, codeForm, resendForm, accountForm]) {
    const fields = { email, challengeId, verificationToken };
    for (const [name, value] of Object.entries(fields))
      if (form.elements[name]?.type === 'hidden') form.elements[name].value = value;
  }
  document.getElementById('have-code').hidden = !mayHaveCode();
  document.title = `${section(step).querySelector('h1').innerText} · ${siteName}`;
  markTitle();
  showTimes(client.state);
  const input = section(step).querySelector('input:not([type="hidden"])');
  input.focus();
  if (step === 'address') input.select();
}

/** Asks for a code, from the address step or again from the code step. */
async function send(outcomeToCome, from) {
  clearProblems(page);
  const outcome = await outcomeToCome;
  const { kind, message = words.unexpected } = outcome;
  switch (kind) {
    case 'sent':
      codeInput.value = from === 'address' ? '' : codeInput.value;
      go('code');
      return say(message, from === 'code');
    case 'delivery_unknown':
      go('code');
      return say(message, true);
    case 'too_many_requests':
      // No other code for now; one that was mailed before still works.
      go('code');
      return showProblem('code-problem', `${message} ${words.enterCode}`);
    case 'invalid_request':
      go('address');
      return showFieldProblem(emailInput, problemOf(outcome, 'email'));
    case 'offline':
      return showProblem(`${from}-problem`, words.offline);
    default:
      return showProblem(`${from}-problem`, message);
  }
}

/** Digits of any script count; spaces and dashes of a paste do not. */
function submitWhenComplete() {
  const digits = digitsOf(codeInput.value);
  if (!/^\p{Nd}+$/u.test(digits) || [...digits].length !== CODE_LENGTH) {
    submitted = '';
    return;
  }
  if (digits === submitted || codeForm.getAttribute('aria-busy') === 'true') return;
  codeForm.requestSubmit();
}

function digitsOf(typed) {
  return typed.replace(/[\s\p{Pd}\p{Cf}\u2212]/gu, '');
}

async function verify() {
  clearProblems(page);
  submitted = digitsOf(codeInput.value);
  const outcome = await client.verify(codeInput.value);
  const { kind, message = words.unexpected } = outcome;
  switch (kind) {
    case 'verified':
      history.replaceState(null, '', PATHS.account);
      show('account');
      return say(message, false);
    case 'invalid_request':
      return showFieldProblem(codeInput, problemOf(outcome, 'code'));
    case 'code_incorrect':
    case 'code_expired':
      showFieldProblem(codeInput, message);
      return codeInput.select();
    case 'offline':
      return showProblem('code-problem', words.offline);
    default:
      return showProblem('code-problem', message);
  }
}

async function signUp() {
  clearProblems(page);
  const answer = await submitForm(accountForm);
  if (answer.kind === 'offline') return showProblem('account-problem', words.offline);
  if (answer.kind === 'unexpected') return showProblem('account-problem', words.unexpected);
  if (answer.kind === 'moved') {
    client.reset();
    return location.replace(answer.url);
  }
  const step = answer.page.querySelector('[data-step]:not([hidden])')?.dataset.step ?? 'account';
  // The token is worth nothing any more: the address has to be verified again.
  if (step === 'address') {
    client.reset();
    go('address');
  }
  showProblems(section(step), answer.page);
}

function problemOf({ errors, message }, name) {
  return errors.find(({ field }) => field === name)?.message ?? message;
}

function showFieldProblem(input, message) {
  showProblem(`${input.id}-error`, message);
  if (message === undefined) return input.removeAttribute('aria-invalid');
  input.setAttribute('aria-invalid', 'true');
  input.focus();
}

/** Tells those who listen, and with `visibly` those who look. */
function say(message, visibly) {
  document.getElementById('status').textContent = message;
  if (!visibly) return;
  const notice = document.getElementById('notice');
  notice.hidden = false;
  notice.textContent = message;
}

async function busy(form, act) {
  await whileBusy(form, act);
  // The button of another code stays off while there is none to be had.
  showTimes(client.state);
}

/** Both countdowns, from the seconds of the server's last answer. */
function showTimes({ email, expiresAt, expiresIn, resendIn, verificationToken }) {
  if (verificationToken) return;
  showTime('expires-in', expiresIn, email !== undefined && expiresAt !== undefined);
  showTime('resend-in', resendIn, resendIn > 0);
  if (resendForm.getAttribute('aria-busy') === 'true') return;
  if (resendIn > 0) resendButton.setAttribute('aria-disabled', 'true');
  else resendButton.removeAttribute('aria-disabled');
}

function showTime(id, seconds, isThere) {
  const line = document.getElementById(id);
  const [running, over] = line.children;
  const wasRunning = !line.hidden && !running.hidden;
  line.hidden = !isThere;
  running.hidden = seconds === 0;
  over.hidden = seconds !== 0;
  const minutes = Math.floor(seconds / 60);
  running.querySelector('time').textContent = `${minutes}:${String(seconds % 60).padStart(2, '0')}`;
  if (isThere && wasRunning && seconds === 0 && over.textContent) say(over.textContent, false);
}
