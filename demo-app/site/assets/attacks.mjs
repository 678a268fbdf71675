/** "Try to break it", and the clock of the page, which follows that of the server: loads before the sign-up. */
import { announce, texts, whileBusy } from './page.mjs';

const STATE = 'email-verification:/email-verification';
const section = document.getElementById('attacks');
const systemTime = Date.now;
setClock(Number(section.dataset.offset));
section.addEventListener('submit', (event) => {
  event.preventDefault();
  void whileBusy(event.target, () => run(event.target));
});

async function run(form) {
  const path = form.getAttribute('action');
  const state = JSON.parse(sessionStorage.getItem(STATE) ?? '{}');
  const isOpen = state.expiresAt > Date.now() && !state.verificationToken;
  const body = JSON.stringify(isOpen ? { email: state.email } : {});
  const init = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body };
  const answer = await fetch(path, init)
    .then((response) => response.json(), Object)
    .catch(Object);
  const { offset, held, columns, rows = [], verdict = texts.unexpected } = answer;
  announce(offset === undefined ? verdict : setClock(offset));
  if (path.startsWith('/dev/attacks/')) return show(form.nextElementSibling, held, verdict, columns, rows);
  if (path !== '/dev/clock/limits') return;
  sessionStorage.setItem(STATE, JSON.stringify({ ...state, resendAt: undefined }));
  location.reload();
}

function setClock(offset) {
  Date.now = () => systemTime() + offset;
  section.querySelector('output').textContent = `+${Math.round(offset / 1000)} s`;
  return section.querySelector('output').textContent;
}

function show(line, held, verdict, columns, rows) {
  Object.assign(line, { textContent: verdict }).dataset.held = held;
  const table = line.nextElementSibling;
  table.hidden = rows.length === 0;
  table.replaceChildren();
  for (const cells of columns ? [['', ...columns], ...rows] : rows) {
    const row = table.insertRow();
    for (const text of cells) {
      const isLabel = text !== '' && (text === cells[0] || cells[0] === '');
      row.append(Object.assign(document.createElement(isLabel ? 'th' : 'td'), { textContent: text }));
    }
    row.lastChild.colSpan = (columns?.length ?? 1) - cells.length + 2;
  }
}
