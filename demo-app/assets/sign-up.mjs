/**
 * The three steps of the sign-up without page loads, with the package's browser client. Without this script, the
 * forms are submitted to the server and do the same.
 */
import { createEmailVerificationClient } from './client.mjs';
import { clearMessages, showError, showErrors, submitForm, updateTitle, whileBusy } from './forms.mjs';
import { strings } from './strings.mjs';

const page = document.getElementById('sign-up');
const client = createEmailVerificationClient({
  baseUrl: '/email-verification',
  locale: document.documentElement.lang,
  // Survives a reload, and is separate for each tab.
  storage: sessionStorage,
});

const PATHS = { address: '/sign-up', code: '/sign-up/code', account: '/sign-up/account' };
const appName = document.title.split(' · ').at(-1);

const section = (step) => page.querySelector(`[data-step="${step}"]`);
const addressForm = section('address').querySelector('form');
const codeForm = section('code').querySelector('form');
const resendForm = document.getElementById('resend');
const accountForm = section('account').querySelector('form');
const emailInput = addressForm.elements.email;
const codeInput = codeForm.elements.code;
const COMPLETE_CODE = codeInput.inputMode === 'numeric' ? /^\p{Nd}{6}$/u : /^\p{L}{8}$/u;
const resendButton = resendForm.querySelector('button');

/** The last code that was submitted automatically, so that a wrong code is not submitted again on each keystroke. */
let submitted = '';

/** A sign-up that was started without this script continues on the server, with its cookie. */
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
    // The code may have been corrected while the request was pending.
    void busy(codeForm, verify).then(submitWhenComplete);
  });
  codeInput.addEventListener('input', () => {
    showFieldError(codeInput, undefined);
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
    clearMessages(page);
    go(reachable(step));
  });
  window.addEventListener('popstate', () => {
    clearMessages(page);
    show(reachable(currentStep()));
  });
  client.subscribe(showCountdowns);

  emailInput.value ||= client.state.email ?? '';
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
  const { email = '', challengeId = '', verificationToken = '' } = client.state;
  for (const one of page.querySelectorAll('[data-step]')) one.hidden = one.dataset.step !== step;
  for (const one of page.querySelectorAll('[data-show="email"]')) one.textContent = email;
  // Without a challenge, the send was refused: there is no email to check.
  const sent = email && !challengeId ? 'no' : 'yes';
  for (const one of page.querySelectorAll('[data-sent]')) one.hidden = one.dataset.sent !== sent;
  document.getElementById('sent-to').hidden = !email;
  // In case a form is submitted to the server directly.
  for (const form of [addressForm, codeForm, resendForm, accountForm]) {
    const fields = { email, challengeId, verificationToken };
    for (const [name, value] of Object.entries(fields))
      if (form.elements[name]?.type === 'hidden') form.elements[name].value = value;
  }
  document.getElementById('have-code').hidden = !mayHaveCode();
  document.title = `${section(step).querySelector('h1').innerText} · ${appName}`;
  updateTitle();
  showCountdowns(client.state);
  const input = section(step).querySelector('input:not([type="hidden"])');
  input.focus();
  if (step === 'address') input.select();
}

/** @param from The step whose button requested the code: `address`, or `code` for a resend. */
async function send(request, from) {
  clearMessages(page);
  const outcome = await request;
  const { kind, message = strings.unexpected } = outcome;
  switch (kind) {
    case 'sent':
      codeInput.value = from === 'address' ? '' : codeInput.value;
      go('code');
      return announce(message, from === 'code');
    case 'delivery_unknown':
      go('code');
      return announce(message, true);
    case 'too_many_requests':
      // No new code yet, but one that was sent earlier still works.
      go('code');
      return showError('code-error', `${message} ${strings.enterCode}`);
    case 'invalid_request':
      go('address');
      return showFieldError(emailInput, fieldErrorOf(outcome, 'email'));
    case 'offline':
      return showError(`${from}-error`, strings.offline);
    default:
      return showError(`${from}-error`, message);
  }
}

/** Accepts digits and letters of any script, and ignores spaces and dashes in a pasted code. */
function submitWhenComplete() {
  const code = bare(codeInput.value);
  if (!COMPLETE_CODE.test(code)) {
    submitted = '';
    return;
  }
  if (code === submitted || codeForm.getAttribute('aria-busy') === 'true') return;
  codeForm.requestSubmit();
}

function bare(text) {
  return text.replace(/[\s\p{Pd}\p{Cf}\u2212]/gu, '');
}

async function verify() {
  clearMessages(page);
  submitted = bare(codeInput.value);
  const outcome = await client.verify(codeInput.value);
  const { kind, message = strings.unexpected } = outcome;
  switch (kind) {
    case 'verified':
      history.replaceState(null, '', PATHS.account);
      show('account');
      return announce(message, false);
    case 'invalid_request':
      return showFieldError(codeInput, fieldErrorOf(outcome, 'code'));
    case 'code_incorrect':
    case 'code_expired':
      showFieldError(codeInput, message);
      return codeInput.select();
    case 'offline':
      return showError('code-error', strings.offline);
    default:
      return showError('code-error', message);
  }
}

async function signUp() {
  clearMessages(page);
  const outcome = await submitForm(accountForm);
  if (outcome.kind === 'offline') return showError('account-error', strings.offline);
  if (outcome.kind === 'unexpected') return showError('account-error', strings.unexpected);
  if (outcome.kind === 'redirected') {
    client.reset();
    return location.replace(outcome.url);
  }
  const step = outcome.page.querySelector('[data-step]:not([hidden])')?.dataset.step ?? 'account';
  // The token has expired, so the email address must be verified again.
  if (step === 'address') {
    client.reset();
    go('address');
  }
  showErrors(section(step), outcome.page);
}

function fieldErrorOf({ errors, message }, name) {
  return errors.find(({ field }) => field === name)?.message ?? message;
}

function showFieldError(input, message) {
  showError(`${input.id}-error`, message);
  if (message === undefined) return input.removeAttribute('aria-invalid');
  input.setAttribute('aria-invalid', 'true');
  input.focus();
}

/** Announces a message to screen readers and, if `visibly`, shows it as a notice. */
function announce(message, visibly) {
  document.getElementById('status').textContent = message;
  if (!visibly) return;
  const notice = document.getElementById('notice');
  notice.hidden = false;
  notice.textContent = message;
}

async function busy(form, action) {
  await whileBusy(form, action);
  // whileBusy() enables the button, but resending may not be possible yet.
  showCountdowns(client.state);
}

function showCountdowns({ email, expiresAt, expiresIn, resendIn, verificationToken }) {
  if (verificationToken) return;
  showCountdown('expires-in', expiresIn, email !== undefined && expiresAt !== undefined);
  showCountdown('resend-in', resendIn, resendIn > 0);
  if (resendForm.getAttribute('aria-busy') === 'true') return;
  if (resendIn > 0) resendButton.setAttribute('aria-disabled', 'true');
  else resendButton.removeAttribute('aria-disabled');
}

function showCountdown(id, seconds, isVisible) {
  const line = document.getElementById(id);
  const [running, ended] = line.children;
  const wasRunning = !line.hidden && !running.hidden;
  line.hidden = !isVisible;
  running.hidden = seconds === 0;
  ended.hidden = seconds !== 0;
  const minutes = Math.floor(seconds / 60);
  running.querySelector('time').textContent = `${minutes}:${String(seconds % 60).padStart(2, '0')}`;
  if (isVisible && wasRunning && seconds === 0 && ended.textContent) announce(ended.textContent, false);
}
