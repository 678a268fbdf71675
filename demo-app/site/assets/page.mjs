/** For every page: texts, storage, requests, copy buttons, forms that submit once, and pages that Back brings back. */
export const texts = JSON.parse(document.getElementById('texts').textContent);

const memory = new Map();
/** That of the session survives a reload, and is separate for each tab. Where it is blocked or full, the page remembers. */
export const storage = {
  getItem: (key) => memory.get(key) ?? quietly(() => sessionStorage.getItem(key)) ?? null,
  setItem(key, value) {
    memory.set(key, value);
    quietly(() => sessionStorage.setItem(key, value));
  },
  removeItem(key) {
    memory.delete(key);
    quietly(() => sessionStorage.removeItem(key));
  },
};

/** @returns what is stored as JSON, if it can be read */
export const stored = (key) => quietly(() => JSON.parse(storage.getItem(key)));

function quietly(access) {
  try {
    return access();
  } catch {
    return undefined;
  }
}

/** @returns the response, or undefined if the server cannot be reached */
export function post(path, fields) {
  const init = { method: 'POST', headers: { 'Content-Type': 'application/json' } };
  return fetch(path, { ...init, body: JSON.stringify(fields) }).catch(() => undefined);
}

/** Makes screen readers say it. */
export function announce(text) {
  document.getElementById('status').textContent = text;
}

/** Runs the action of a form, and ignores further submits until it ends. If it takes a while, the button says so. */
export async function whileBusy(form, action) {
  if (form.ariaBusy === 'true') return;
  const button = form.querySelector('button');
  const label = button.textContent;
  form.ariaBusy = button.ariaDisabled = 'true';
  const timer = setTimeout(() => {
    button.textContent = texts.busy;
    announce(texts.busy);
  }, 500);
  try {
    await action();
  } finally {
    clearTimeout(timer);
    button.textContent = label;
    form.ariaBusy = button.ariaDisabled = null;
  }
}

// Enter submits once, however long it is held.
addEventListener('keydown', (event) => event.repeat && event.key === 'Enter' && event.preventDefault());

// The page of a signed-out person may come back from memory, with the account on it.
addEventListener('pageshow', ({ persisted }) => persisted && location.reload());

// The second click of a double click would hit what the first one has put in this place. The attacks stay where they are.
const refuseSecondClick = (event) => {
  if (event.detail < 2 || !event.target.closest(':is(a, button):not(#attacks *)')) return;
  event.preventDefault();
  event.stopPropagation();
};
addEventListener('click', refuseSecondClick, { capture: true });

// A form without a script of its own is busy until the next page comes, unless the person stops waiting for it.
addEventListener('submit', (event) => {
  if (event.target.ariaBusy === 'true') return event.preventDefault();
  if (!event.defaultPrevented)
    void whileBusy(event.target, () => new Promise((end) => setTimeout(end, 10_000)));
});

showCopyButtons(document);
document.addEventListener('click', async ({ target }) => {
  const button = target.closest('[data-copy]');
  if (!button) return;
  const { copy, label = button.textContent } = button.dataset;
  button.dataset.label = label;
  const isCopied = await navigator.clipboard.writeText(copy).then(
    () => true,
    () => false,
  );
  button.textContent = isCopied ? texts.copied : texts.notCopied;
  announce(button.textContent);
  setTimeout(() => button.replaceChildren(label), 2000);
});

/** Browsers allow writing to the clipboard only over HTTPS and on localhost. */
export function showCopyButtons(page) {
  for (const button of page.querySelectorAll('[data-copy]')) button.hidden = !navigator.clipboard;
}
