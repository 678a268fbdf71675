/** Keeps the inbox up to date, shows local times, and passes a code to the sign-up page in another tab. */
import { announce, showCopyButtons, texts } from './page.mjs';
import './tools.mjs';

const channel = new BroadcastChannel('email-verification-demo');
const find = (selector, page = document) => page.querySelector(selector);
const itemsOf = (list) => new Map(Array.from(list.children, (item) => [find('a', item).pathname, item]));
let updates = Promise.resolve();
let timer;

showTimes(document);
document.addEventListener('connected', update);
document.addEventListener('reported', ({ detail }) => detail.name === 'message' && update());
document.addEventListener('click', ({ target }) => {
  const { use: code, email } = target.closest('[data-use]')?.dataset ?? {};
  if (!code) return;
  channel.postMessage({ code, email });
  timer = setTimeout(tell, 500, texts.notUsed);
});
channel.addEventListener('message', ({ data }) => data.used && tell(texts.used));

function tell(text) {
  clearTimeout(timer);
  find('#used').textContent = text;
}

/** One after another, so that an older list cannot replace a newer one. The next update makes up for a failed one. */
function update() {
  updates = updates.then(load).catch(() => {});
}

async function load() {
  const response = await fetch(`/inbox${location.search}`);
  const page = new DOMParser().parseFromString(await response.text(), 'text/html');
  const [list, newList] = [find('.messages'), find('.messages', page)];
  showTimes(page);
  if (!list && !newList) return;
  if (!list || !newList) {
    find('.skip-link').replaceWith(find('.skip-link', page));
    find('#inbox').replaceWith(find('#inbox', page));
    return newList && announce(`${texts.newMessage}: ${find('strong').textContent}`);
  }
  // What is still there stays in place, so that neither the focus nor the scroll position changes.
  const [items, newItems] = [itemsOf(list), itemsOf(newList)];
  for (const [path, item] of items) if (!newItems.has(path)) item.remove();
  const added = [...newItems].filter(([path]) => !items.has(path)).map(([, item]) => item);
  if (added.length === 0) return;
  announce(`${texts.newMessage}: ${find('strong', newList).textContent}`);
  // The page of one message keeps it open.
  const showsNewest = location.pathname === '/inbox';
  find('[aria-current]', showsNewest ? list : newList)?.removeAttribute('aria-current');
  if (showsNewest) {
    const hadFocus = find('#message').contains(document.activeElement);
    find('#message').replaceWith(find('#message', page));
    if (hadFocus) find('#message').focus({ preventScroll: true });
  }
  list.prepend(...added);
}

function showTimes(page) {
  showCopyButtons(page);
  for (const time of page.querySelectorAll('.messages time'))
    time.textContent = new Date(time.dateTime).toLocaleTimeString(document.documentElement.lang);
}
