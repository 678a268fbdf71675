/** "What just happened": the requests of the page and the events behind them, which the server renders, and the email. */
import { post, storage, stored } from './page.mjs';
import { canonical, channel, morph } from './tools.mjs';

const byId = (id) => document.getElementById(id);
const { newEmail } = byId('new-email').dataset;
const { fetch } = window;
const TAB = Math.random();
let [step, email, isUnseen, timer] = ['', '', false];

// Kept across reloads, and for the receipt. A sign-up ends the story.
const story = [stored('story')].flat().filter((entry) => entry?.name);
const isOver = story.some(({ status }) => status === 201);
const entries = isOver ? [] : story;
let message = isOver ? undefined : stored('message');

window.fetch = async (path, init) => {
  if (init?.method !== 'POST' || path.startsWith('/dev/')) return fetch(path, init);
  const request = JSON.parse(init.body, (key, value) => (key === 'password' ? '•••' : value));
  email = canonical(request.email);
  const entry = { name: path, request };
  add(entry);
  const start = performance.now();
  try {
    const response = await fetch(path, init);
    const body = response.clone().json();
    entry.status = response.status;
    entry.response = await body.catch(() => undefined);
    return response;
  } finally {
    entry.duration = performance.now() - start;
    refresh();
  }
};

document.addEventListener('connected', refresh);
document.addEventListener('step', ({ detail }) => {
  step = detail.step;
  email = canonical(detail.email);
  showMessage();
  refresh();
});
document.addEventListener('reported', ({ detail }) => {
  if (detail.name === 'message') {
    message = detail;
    isUnseen = !document.hasFocus() && canonical(message.to) === email;
    return showMessage();
  }
  if (detail.name === 'clock') return;
  // The address in an event is masked.
  if (!detail.email || detail.email === email.replace(/^(.).*@/, '$1***@')) add(detail);
});
// The inbox may be open in another tab, and gives the code to one page only.
channel.addEventListener('message', ({ data }) => {
  if (data.to === TAB) return useCode(data.code);
  if (data.offered && step === 'code' && canonical(data.offered) === email)
    channel.postMessage({ wanted: TAB });
});
byId('use-code').addEventListener('click', () => useCode(message.code));
// The sign-up sets the title, too.
new MutationObserver(markTitle).observe(document.querySelector('title'), { childList: true });
for (const type of ['focus', 'pointerdown', 'keydown'])
  addEventListener(type, () => {
    isUnseen = false;
    document.title = document.title.replace(`${newEmail}: `, '');
  });

function showMessage() {
  storage.setItem('message', JSON.stringify(message ?? null));
  const { id, subject, code, to } = message ?? {};
  byId('new-email').hidden = step !== 'code' || canonical(to) !== email;
  Object.assign(byId('new-email-link'), { textContent: subject, href: `/inbox/${id}` });
  Object.assign(byId('new-email-code'), { textContent: code, hidden: !code });
  byId('use-code').hidden = !code;
  markTitle();
}

function markTitle() {
  const { title } = document;
  if (isUnseen && !title.startsWith(newEmail)) document.title = `${newEmail}: ${title}`;
}

function useCode(code) {
  message = undefined;
  showMessage();
  document.dispatchEvent(new CustomEvent('use-code', { detail: code }));
}

/** Keeps the newest. Equal events in a row, such as the guesses of a stranger, become one entry. */
function add(entry) {
  const last = entries.at(-1) ?? { id: 0 };
  const isRepeated = !entry.request && entry.name === last.name && entry.detail === last.detail;
  if (isRepeated) last.times = (last.times ?? 1) + 1;
  else entries.push(Object.assign(entry, { id: last.id + 1 }));
  entries.splice(0, entries.length - 50);
  refresh();
}

/** Once for several changes at about the same time. */
function refresh() {
  storage.setItem('story', JSON.stringify(entries));
  clearTimeout(timer);
  const started = setTimeout(async () => {
    const response = await post('/dev/panel', { email, entries });
    const story = response?.ok && (await response.text());
    // A response to an earlier request would show less.
    if (story && started === timer) morph(byId('story'), story);
  }, 50);
  timer = started;
}
