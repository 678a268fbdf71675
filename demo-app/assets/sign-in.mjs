/** The sign-in without a page load: what was typed stays when it is refused, or when the network is away. */
import { showProblems, submitForm } from './forms.mjs';

const form = document.querySelector('form[action="/sign-in"]');

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  if (form.getAttribute('aria-busy') === 'true') return;
  form.setAttribute('aria-busy', 'true');
  const answer = await submitForm(form);
  form.removeAttribute('aria-busy');
  if (answer.kind === 'moved') return location.assign(answer.url);
  if (answer.kind === 'refused') return showProblems(form.parentElement, answer.page);
  const problem = document.getElementById('problem');
  problem.hidden = false;
  problem.textContent = form.dataset[answer.kind];
});
