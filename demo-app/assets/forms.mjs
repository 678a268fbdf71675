/**
 * Submits a form without leaving the page, so that the input survives a refusal or a lost connection. The server
 * responds with a page as usual, and its error messages are copied into this one.
 */
import { strings } from './strings.mjs';

/** Milliseconds before the busy text appears: on a fast response it would only flicker. */
const BUSY_DELAY = 500;

/** Runs the action of a form, and ignores further submits until it ends. A slow one shows a busy text. */
export async function whileBusy(form, action) {
  if (form.getAttribute('aria-busy') === 'true') return;
  const button = form.querySelector('button');
  const status = document.getElementById('status');
  const label = button.textContent;
  form.setAttribute('aria-busy', 'true');
  button.setAttribute('aria-disabled', 'true');
  const timer = setTimeout(() => {
    button.textContent = strings.busy;
    status.textContent = strings.busy;
  }, BUSY_DELAY);
  try {
    await action();
  } finally {
    clearTimeout(timer);
    button.textContent = label;
    if (status.textContent === strings.busy) status.textContent = '';
    form.removeAttribute('aria-busy');
    button.removeAttribute('aria-disabled');
  }
}

export async function submitForm(form) {
  try {
    const body = new URLSearchParams(new FormData(form));
    const response = await fetch(form.action, { method: 'POST', body });
    if (response.redirected) return { kind: 'redirected', url: response.url };
    const page = new DOMParser().parseFromString(await response.text(), 'text/html');
    return page.querySelector('[role="alert"]') ? { kind: 'refused', page } : { kind: 'unexpected' };
  } catch {
    return { kind: 'offline' };
  }
}

/** Copies the error messages of a page that the server sent, and focuses the first invalid field. */
export function showErrors(container, page) {
  for (const alert of container.querySelectorAll('[role="alert"]')) {
    const source = page.getElementById(alert.id);
    alert.hidden = !source || source.hidden;
    alert.textContent = source?.textContent ?? '';
  }
  for (const input of container.querySelectorAll('input[id]')) {
    const isInvalid = page.getElementById(input.id)?.getAttribute('aria-invalid') === 'true';
    if (isInvalid) input.setAttribute('aria-invalid', 'true');
    else input.removeAttribute('aria-invalid');
  }
  updateTitle();
  container.querySelector('[aria-invalid="true"]')?.focus();
}

export function showError(id, message) {
  const alert = document.getElementById(id);
  alert.hidden = message === undefined;
  alert.textContent = message ?? '';
  updateTitle();
}

/** Clears the messages of the last attempt before the next one. */
export function clearMessages(container) {
  for (const message of container.querySelectorAll('[role="alert"], .notice')) {
    message.hidden = true;
    message.textContent = '';
  }
  for (const input of container.querySelectorAll('[aria-invalid]')) input.removeAttribute('aria-invalid');
  document.getElementById('status').textContent = '';
  updateTitle();
}

/** Prefixes the title while the page shows an error, as the server does. */
export function updateTitle() {
  const prefix = `${strings.titlePrefix}: `;
  const title = document.title.startsWith(prefix) ? document.title.slice(prefix.length) : document.title;
  const hasError = document.querySelector('[role="alert"]:not([hidden], [hidden] *)') !== null;
  document.title = hasError ? prefix + title : title;
}
