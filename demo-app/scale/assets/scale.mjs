/** Keeps the page up to date, and its forms on the page. The server renders all that is shown. */
import { Idiomorph } from './idiomorph.mjs';

const INTERVAL = 1000;

const [live, gone, updates] = ['live', 'gone', 'updates'].map((id) => document.getElementById(id));
let isUpdating = true;

async function refresh() {
  const response = await fetch('/live').catch(() => undefined);
  gone.hidden = response?.ok === true;
  if (response?.ok) Idiomorph.morph(live, await response.text(), { morphStyle: 'innerHTML' });
}

async function keepUpToDate() {
  if (isUpdating && !document.hidden) await refresh();
  setTimeout(keepUpToDate, INTERVAL);
}

updates.addEventListener('click', () => {
  isUpdating = !isUpdating;
  updates.textContent = isUpdating ? 'Stop updating' : 'Keep updating';
});
for (const form of document.forms)
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    await fetch(form.action, { method: 'POST', body: new URLSearchParams(new FormData(form)) }).catch(
      () => {},
    );
    await refresh();
  });
void keepUpToDate();
