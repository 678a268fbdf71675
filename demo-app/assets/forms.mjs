/**
 * Sends a form without leaving its page, so that nothing typed is lost when the network is away or the answer is
 * a refusal: the server answers a page as ever, and what it says is wrong is shown here.
 */
import { words } from './words.mjs';

/** Milliseconds from which on a wait is said: a text that changes for less is a flicker. */
const LONG = 500;

/** A form that waits for its answer takes no second submit; when the wait grows long, it says so. */
export async function whileBusy(form, act) {
  if (form.getAttribute('aria-busy') === 'true') return;
  const button = form.querySelector('button');
  const status = document.getElementById('status');
  const label = button.textContent;
  form.setAttribute('aria-busy', 'true');
  button.setAttribute('aria-disabled', 'true');
  const slow = setTimeout(() => {
    button.textContent = words.busy;
    status.textContent = words.busy;
  }, LONG);
  try {
    await act();
  } finally {
    clearTimeout(slow);
    button.textContent = label;
    if (status.textContent === words.busy) status.textContent = '';
    form.removeAttribute('aria-busy');
    button.removeAttribute('aria-disabled');
  }
}

export async function submitForm(form) {
  try {
    const body = new URLSearchParams(new FormData(form));
    const response = await fetch(form.action, { method: 'POST', body });
    if (response.redirected) return { kind: 'moved', url: response.url };
    const page = new DOMParser().parseFromString(await response.text(), 'text/html');
    return page.querySelector('[role="alert"]') ? { kind: 'refused', page } : { kind: 'unexpected' };
  } catch {
    return { kind: 'offline' };
  }
}

/** Takes the messages of an answered page over into this one, and goes to the first field that is wrong. */
export function showProblems(place, answered) {
  for (const mine of place.querySelectorAll('[role="alert"]')) {
    const theirs = answered.getElementById(mine.id);
    mine.hidden = !theirs || theirs.hidden;
    mine.textContent = theirs?.textContent ?? '';
  }
  for (const input of place.querySelectorAll('input[id]')) {
    const isWrong = answered.getElementById(input.id)?.getAttribute('aria-invalid') === 'true';
    if (isWrong) input.setAttribute('aria-invalid', 'true');
    else input.removeAttribute('aria-invalid');
  }
  markTitle();
  place.querySelector('[aria-invalid="true"]')?.focus();
}

export function showProblem(id, message) {
  const problem = document.getElementById(id);
  problem.hidden = message === undefined;
  problem.textContent = message ?? '';
  markTitle();
}

/** What was said of the last try says nothing about the next. */
export function clearProblems(place) {
  for (const one of place.querySelectorAll('[role="alert"], .notice')) {
    one.hidden = true;
    one.textContent = '';
  }
  for (const input of place.querySelectorAll('[aria-invalid]')) input.removeAttribute('aria-invalid');
  document.getElementById('status').textContent = '';
  markTitle();
}

/** The title says whether something is wrong, as it does on a page that comes from the server. */
export function markTitle() {
  const mark = `${words.prefix}: `;
  const title = document.title.startsWith(mark) ? document.title.slice(mark.length) : document.title;
  const isWrong = document.querySelector('[role="alert"]:not([hidden], [hidden] *)') !== null;
  document.title = isWrong ? mark + title : title;
}
