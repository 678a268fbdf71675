/** The sign-in without a page load: what was typed stays when it is refused, or when the network is away. */
import { clearProblems, showProblem, showProblems, submitForm, whileBusy } from './forms.mjs';
import { words } from './words.mjs';

const form = document.querySelector('form[action="/sign-in"]');

form.addEventListener('submit', (event) => {
  event.preventDefault();
  void whileBusy(form, signIn);
});

async function signIn() {
  clearProblems(form.parentElement);
  const answer = await submitForm(form);
  if (answer.kind === 'moved') return location.assign(answer.url);
  if (answer.kind !== 'refused') return showProblem('problem', words[answer.kind]);
  showProblems(form.parentElement, answer.page);
  // Most often it is the password, and typing it anew is easier than mending what cannot be seen.
  form.elements.password.focus();
  form.elements.password.select();
}
