/** Keeps the inbox up to date, shows local times, and copies a code with one click. */
import { strings } from './strings.mjs';

enhance(document);

document.addEventListener('click', async (event) => {
  const button = event.target.closest('[data-copy]');
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  const label = button.textContent;
  button.textContent = strings.copied;
  setTimeout(() => {
    button.textContent = label;
  }, 2000);
  announce(strings.codeCopied);
});

const stream = new EventSource('/inbox/events');
let updates = Promise.resolve();
stream.addEventListener('message', () => {
  // One after another, so that an older list cannot replace a newer one. The next update makes up for a failed one.
  updates = updates.then(update).catch(() => {});
});
addEventListener('pagehide', () => stream.close());

async function update() {
  const response = await fetch(location.pathname + location.search);
  const page = new DOMParser().parseFromString(await response.text(), 'text/html');
  const newList = page.querySelector('.messages');
  // The server has dropped the open message.
  if (!newList) return;
  enhance(page);
  announce(`${strings.newMessage}: ${newList.querySelector('strong').textContent}`);
  const list = document.querySelector('.messages');
  if (!list) {
    document.querySelector('.skip-link').replaceWith(page.querySelector('.skip-link'));
    return document.getElementById('inbox').replaceWith(page.getElementById('inbox'));
  }
  const showsNewest = location.pathname === '/inbox';
  if (showsNewest) list.querySelector('[aria-current]')?.removeAttribute('aria-current');
  prependNew(list, newList);
  if (showsNewest) openMessage(page.querySelector('.message'));
}

/** Leaves the existing entries in place, so that neither the focus nor the scroll position changes. */
function prependNew(list, newList) {
  const hrefOf = (item) => item.querySelector('a').getAttribute('href');
  const known = new Set([...list.children].map(hrefOf));
  list.prepend(...[...newList.children].filter((item) => !known.has(hrefOf(item))));
}

function openMessage(message) {
  const current = document.querySelector('.message');
  const hasFocus = current.contains(document.activeElement);
  current.replaceWith(message);
  if (!hasFocus) return;
  const target = message.querySelector('[data-copy]:not([hidden])') ?? message.querySelector('h2');
  target.focus({ preventScroll: true });
}

/** Shows local times, and the copy buttons where the browser has a clipboard (with HTTPS or on localhost). */
function enhance(page) {
  for (const time of page.querySelectorAll('.messages time'))
    time.textContent = new Date(time.dateTime).toLocaleTimeString(time.closest('[lang]').lang);
  for (const button of page.querySelectorAll('[data-copy]')) button.hidden = !navigator.clipboard;
}

function announce(text) {
  document.getElementById('inbox-status').textContent = text;
}
