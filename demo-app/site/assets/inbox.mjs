/** Keeps the inbox up to date, shows local times, and passes a code to the sign-up page in another tab. */
import { announce, showCopyButtons, texts } from './page.mjs';
import { channel, morph } from './tools.mjs';

const find = (selector) => document.querySelector(selector);
let updates = Promise.resolve();
let [timer, offeredCode] = [];

showTimes(document);
document.addEventListener('connected', update);
document.addEventListener('reported', ({ detail }) => detail.name === 'message' && update());
document.addEventListener('click', ({ target }) => {
  const { use: code, email } = target.closest('[data-use]')?.dataset ?? {};
  if (!code) return;
  offeredCode = code;
  channel.postMessage({ offered: email });
  timer = setTimeout(tell, 500, texts.notUsed);
});
// The first page that wants it gets it.
channel.addEventListener('message', ({ data: { wanted } }) => {
  if (!wanted || !offeredCode) return;
  channel.postMessage({ to: wanted, code: offeredCode });
  offeredCode = undefined;
  tell(texts.used);
});

function tell(text) {
  clearTimeout(timer);
  find('#used').textContent = text;
}

/** One after another, so that an older list cannot replace a newer one. The next update makes up for a failed one. */
function update() {
  updates = updates.then(load).catch(() => {});
}

async function load() {
  const response = await fetch(location);
  // After a restart, the server no longer has this message.
  if (response.status === 404) return location.replace('/inbox');
  if (!response.ok) return;
  const page = new DOMParser().parseFromString(await response.text(), 'text/html');
  showTimes(page);
  const newest = () => find('.messages a')?.pathname;
  const [before, wasInMessage] = [newest(), find('#message:focus-within')];
  morph(document.body, page.body, 'outerHTML');
  if (!newest() || newest() === before) return;
  announce(`${texts.newMessage}: ${find('.messages strong').textContent}`);
  // The page of one message keeps it open.
  if (wasInMessage && location.pathname === '/inbox') find('#message').focus({ preventScroll: true });
}

function showTimes(page) {
  showCopyButtons(page);
  for (const time of page.querySelectorAll('.messages time'))
    time.textContent = new Date(time.dateTime).toLocaleTimeString(document.documentElement.lang);
}
