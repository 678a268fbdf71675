/** "What just happened": the requests of the page, the events behind them, what Redis holds, and the email. */
import { bytesOf, el, readRedis, unit } from './tools.mjs';

const byId = (id) => document.getElementById(id);
const texts = JSON.parse(byId('panel').dataset.texts);
const channel = new BroadcastChannel('email-verification-demo');
const { fetch } = window;
const entries = [];
let [step, email, isUnseen, message, timer] = ['', '', false];

// Kept for a reload, and for the receipt, which ends the story.
const story = sessionStorage.getItem('receipt') ? '[]' : (sessionStorage.getItem('story') ?? '[]');
sessionStorage.removeItem('receipt');
JSON.parse(story).forEach(add);

window.fetch = async (path, init) => {
  if (init?.method !== 'POST' || path.startsWith('/dev/')) return fetch(path, init);
  const request = JSON.parse(init.body, (key, value) => (key === 'password' ? '•••' : value));
  email = request.email;
  const entry = { method: 'POST', name: path, request };
  const row = add(entry);
  const start = performance.now();
  try {
    const response = await fetch(path, init);
    const { status } = response;
    const body = response.clone().json();
    Object.assign(entry, { status, response: await body.catch(() => undefined) });
    return response;
  } finally {
    entry.duration = performance.now() - start;
    draw(entry, row);
  }
};

document.addEventListener('connected', refresh);
document.addEventListener('step', ({ detail }) => {
  ({ step, email } = detail);
  showMessage();
  refresh();
});
document.addEventListener('reported', ({ detail }) => {
  if (detail.name === 'message') {
    message = detail;
    isUnseen = !document.hasFocus() && isOwn(message.to);
    showMessage();
  }
  // The address in an event is masked.
  const isMine = !detail.email || isOwn(detail.email, email.trim().replace(/^(.).*@/, '$1***@'));
  if (detail.name in texts.events && isMine) add(detail);
});
// The inbox may be open in another tab.
channel.addEventListener('message', ({ data }) => {
  if (!data.code || step !== 'code' || !isOwn(data.email)) return;
  channel.postMessage({ used: data.code });
  useCode(data.code);
});
byId('use-code').addEventListener('click', () => useCode(message.code));
// The sign-up sets the title, too.
new MutationObserver(markTitle).observe(document.querySelector('title'), { childList: true });
for (const type of ['focus', 'pointerdown', 'keydown'])
  addEventListener(type, () => {
    isUnseen = false;
    document.title = document.title.replace(`${texts.newEmail}: `, '');
  });

function isOwn(address, own = email.trim()) {
  return address === own.toLowerCase();
}

function showMessage() {
  const { id, subject, code, to } = message ?? {};
  byId('new-email').hidden = step !== 'code' || !isOwn(to);
  Object.assign(byId('new-email-link'), { textContent: subject, href: `/inbox/${id}` });
  byId('new-email-code').textContent = code ?? '';
  byId('use-code').hidden = !code;
  markTitle();
}

function markTitle() {
  const { title } = document;
  if (isUnseen && !title.startsWith(texts.newEmail)) document.title = `${texts.newEmail}: ${title}`;
}

function useCode(code) {
  message = undefined;
  showMessage();
  document.dispatchEvent(new CustomEvent('use-code', { detail: code }));
}

function add(entry) {
  const row = el('details');
  byId('timeline').prepend(row);
  byId('timeline-empty').hidden = true;
  entries.push(entry);
  draw(entry, row);
  return row;
}

function draw({ method, name, status = '', duration, detail = '', request, response }, row) {
  const label = method ? el('code', `${method} ${name}`) : el('b', texts.events[name]);
  const isSecret = ['suppressed', 'code_expired'].includes(name);
  const result = `${status} ${duration === undefined ? '' : unit(duration, 'millisecond')}`;
  row.replaceChildren(
    el(
      'summary',
      el('span', label, ` ${detail} `, isSecret ? el('mark', texts.marks.operatorOnly) : ''),
      el('small', result),
    ),
  );
  for (const [part, body] of Object.entries({ request, response }))
    if (body) row.append(el('p', texts.parts[part]), el('pre', el('code', JSON.stringify(body, null, 2))));
  const lines = document.querySelector(`[data-behind~="${name}"]`);
  if (lines) row.append(lines.content.cloneNode(true));
  sessionStorage.setItem('story', JSON.stringify(entries));
  refresh();
}

/** Once for several changes at about the same time. */
function refresh() {
  clearTimeout(timer);
  timer = setTimeout(async () => showRedis(await readRedis(email)), 50);
}

function showRedis({ kind, keys, status }) {
  // The status has the most that anybody has left; the answers have what this browser has left.
  const id = entries.findLast(({ response }) => response?.challengeId)?.response.challengeId;
  const answered = entries.filter(({ request, response }) => response && request.challengeId === id);
  const attemptsLeft = answered.at(-1)?.response.attemptsLeft ?? status?.attemptsLeft;
  for (const fact of document.querySelectorAll('[data-fact]'))
    fact.textContent = { ...status, attemptsLeft }[fact.dataset.fact] ?? '–';
  byId('redis-summary').textContent = texts[kind].replace('{bytes}', bytesOf(keys));
  const focused = document.activeElement.closest('#redis details')?.id;
  byId('redis').replaceChildren(...keys.slice(0, 50).map(redisRow), keys.length > 50 ? '…' : '');
  if (focused) byId(focused)?.firstChild.focus();
}

function redisRow({ key, isOwn, ttl, bytes, values }) {
  const end = ttl < 7_200_000 ? unit(ttl / 60_000, 'minute') : unit(ttl / 3_600_000, 'hour');
  const label = el('span', el('code', key), ' ', isOwn ? el('mark', texts.marks.own) : '');
  const size = el('small', `${bytesOf([{ bytes }])} · ${end}`);
  // An open row stays open.
  const row = Object.assign(byId(key) ?? el('details'), { id: key });
  row.replaceChildren(el('summary', label, size));
  for (const [field, value] of Object.entries(values))
    row.append(el('p', el('code', `${field} ${value}`), ` ${texts.fields[field[0] ?? key.includes('{')]}`));
  return row;
}
