/** The sign-in without a page load: what was typed stays when it is refused, or when the network is away. */
import { showProblems, submitForm } from './forms.mjs';

const form = document.querySelector('form[action="/sign-in"]');

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  if (form.getAttribute('aria-busy') === 'true') return;
  const button = form.querySelector('button');
  form.setAttribute('aria-busy', 'true');
  // Checking a password takes a while, and what was wrong with the last one says nothing about this one.
  button.setAttribute('aria-disabled', 'true');
  document.getElementById('problem').hidden = true;
  const answer = await submitForm(form);
  form.removeAttribute('aria-busy');
  button.removeAttribute('aria-disabled');
  if (answer.kind === 'moved') return location.assign(answer.url);
  if (answer.kind === 'refused') return showProblems(form.parentElement, answer.page);
  const problem = document.getElementById('problem');
  problem.hidden = false;
  problem.textContent = form.dataset[answer.kind];
});
