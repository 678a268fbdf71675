/** Submits the sign-in without leaving the page, so that the input survives a refusal or a lost connection. */
import { clearMessages, showError, showErrors, submitForm, whileBusy } from './forms.mjs';
import { strings } from './strings.mjs';

const form = document.querySelector('form[action="/sign-in"]');

form.addEventListener('submit', (event) => {
  event.preventDefault();
  void whileBusy(form, signIn);
});

async function signIn() {
  clearMessages(form.parentElement);
  const outcome = await submitForm(form);
  if (outcome.kind === 'redirected') return location.assign(outcome.url);
  if (outcome.kind !== 'refused') return showError('form-error', strings[outcome.kind]);
  showErrors(form.parentElement, outcome.page);
  // Usually the password is wrong, and retyping it is easier than correcting what is not visible.
  form.elements.password.focus();
  form.elements.password.select();
}
