/** The inbox keeps itself up to date, tells the time of its reader, and copies a code at one click. */
import { words } from './words.mjs';

enliven(document);

document.addEventListener('click', async (event) => {
  const button = event.target.closest('[data-copy]');
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  const label = button.textContent;
  button.textContent = words.copied;
  setTimeout(() => {
    button.textContent = label;
  }, 2000);
  say(words.codeCopied);
});

const stream = new EventSource('/inbox/events');
let updates = Promise.resolve();
stream.addEventListener('mail', () => {
  // One after the other: an older list must not come last. What one misses comes with the next.
  updates = updates.then(update).catch(() => {});
});
addEventListener('pagehide', () => stream.close());

async function update() {
  const response = await fetch(location.pathname + location.search);
  const page = new DOMParser().parseFromString(await response.text(), 'text/html');
  const list = page.querySelector('.mails');
  // The letter that is open here is so old that it is not kept any more.
  if (!list) return;
  enliven(page);
  say(`${words.mailCame}: ${list.querySelector('strong').textContent}`);
  const mine = document.querySelector('.mails');
  if (!mine) {
    document.querySelector('.skip').replaceWith(page.querySelector('.skip'));
    return document.getElementById('inbox').replaceWith(page.getElementById('inbox'));
  }
  const follows = location.pathname === '/inbox';
  if (follows) mine.querySelector('[aria-current]')?.removeAttribute('aria-current');
  putOnTop(mine, list);
  if (follows) openLetter(page.querySelector('.letter'));
}

/** Nothing is done to the mails that are there: the focus and the scroll stay where they are. */
function putOnTop(mine, list) {
  const hrefOf = (item) => item.querySelector('a').getAttribute('href');
  const known = new Set([...mine.children].map(hrefOf));
  mine.prepend(...[...list.children].filter((item) => !known.has(hrefOf(item))));
}

function openLetter(letter) {
  const mine = document.querySelector('.letter');
  const isFocused = mine.contains(document.activeElement);
  mine.replaceWith(letter);
  if (!isFocused) return;
  const target = letter.querySelector('[data-copy]:not([hidden])') ?? letter.querySelector('h2');
  target.focus({ preventScroll: true });
}

/** What only a script can do: the time here, and a copy where the browser allows it (over HTTPS, or on localhost). */
function enliven(page) {
  for (const time of page.querySelectorAll('.mails time'))
    time.textContent = new Date(time.dateTime).toLocaleTimeString(time.closest('[lang]').lang);
  for (const button of page.querySelectorAll('[data-copy]')) button.hidden = !navigator.clipboard;
}

function say(sentence) {
  document.getElementById('inbox-status').textContent = sentence;
}
