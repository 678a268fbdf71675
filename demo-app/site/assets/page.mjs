/** For every page: texts, copy buttons, forms that are submitted once, and pages that the Back button brings back. */

/** The texts that scripts show, in the language of the page. */
export const texts = JSON.parse(document.getElementById('texts').textContent);

/** Milliseconds before the busy text appears: on a fast response it would only flicker. */
const BUSY_DELAY = 500;

// The page of a signed-out person may come back from memory, with the account on it.
addEventListener('pageshow', (event) => {
  if (event.persisted) location.reload();
});

// The second click of a double click would hit what the first one has put in this place.
addEventListener(
  'click',
  (event) => {
    if (event.detail > 1 && event.target.closest('a, button, summary')) stop(event);
  },
  { capture: true },
);

// Forms without a script of their own.
addEventListener('submit', (event) => {
  const { target: form, defaultPrevented } = event;
  if (defaultPrevented) return;
  if (form.ariaBusy === 'true') return stop(event);
  void whileBusy(form, () => new Promise(() => {}));
});

for (const button of document.querySelectorAll('[data-copy]')) {
  // Browsers have a clipboard with HTTPS and on localhost only.
  button.hidden = !navigator.clipboard;
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    const label = button.textContent;
    button.textContent = texts.copied;
    announce(texts.copied);
    setTimeout(() => {
      button.textContent = label;
    }, 2000);
  });
}

/** Runs the action of a form, and ignores further submits until it ends. A slow one shows a busy text. */
export async function whileBusy(form, action) {
  if (form.ariaBusy === 'true') return;
  const button = form.querySelector('button');
  const label = button.textContent;
  form.ariaBusy = 'true';
  button.ariaDisabled = 'true';
  const timer = setTimeout(() => {
    button.textContent = texts.busy;
    announce(texts.busy);
  }, BUSY_DELAY);
  try {
    await action();
  } finally {
    clearTimeout(timer);
    button.textContent = label;
    if (statusLine().textContent === texts.busy) announce('');
    form.ariaBusy = null;
    button.ariaDisabled = null;
  }
}

/** Has screen readers say it. */
export function announce(text) {
  statusLine().textContent = text;
}

function statusLine() {
  return document.getElementById('status');
}

function stop(event) {
  event.preventDefault();
  event.stopPropagation();
}
