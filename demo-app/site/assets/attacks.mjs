/** "Try to break it", and the clock of the page, which follows that of the server: loads before the sign-up. */
import { announce, post, storage, stored, texts, whileBusy } from './page.mjs';

const STATE = 'email-verification:/email-verification';
const section = document.getElementById('attacks');
const done = document.getElementById('clock-done');
const systemTime = Date.now;
done.append(storage.getItem('clock-done') ?? '');
storage.removeItem('clock-done');
setClock(Number(section.dataset.offset));
document.addEventListener('reported', ({ detail }) => detail.name === 'clock' && setClock(detail.offset));
section.addEventListener('submit', (event) => {
  event.preventDefault();
  void whileBusy(event.target, () => run(event.target));
});

async function run(form) {
  const path = form.getAttribute('action');
  const state = Object(stored(STATE));
  const isOpen = state.expiresAt > Date.now() && !state.verificationToken;
  // An attack stops servers that the sign-up needs, too.
  const step = document.querySelector('[data-step]:not([hidden])');
  step.inert = true;
  const response = await post(path, isOpen ? { email: state.email } : {});
  step.inert = false;
  const answer = await response?.json().catch(() => undefined);
  const { offset, held, rows = [], verdict = texts.unexpected } = answer ?? {};
  document.dispatchEvent(new CustomEvent('connected'));
  if (path.startsWith('/dev/attacks/')) {
    announce(verdict);
    return show(form.nextElementSibling, held, verdict, rows);
  }
  if (offset !== undefined) setClock(offset);
  done.textContent = verdict;
  if (path !== '/dev/clock/limits' || !state.email || state.verificationToken) return;
  // The step of the code stays for as long as there is a code or a countdown.
  storage.setItem(STATE, JSON.stringify({ ...state, resendAt: Date.now() + 2000 }));
  storage.setItem('clock-done', verdict);
  location.reload();
}

function setClock(offset) {
  Date.now = () => systemTime() + offset;
  const seconds = Math.round(offset / 1000);
  const format = { style: 'unit', unit: 'second', signDisplay: 'always' };
  section.querySelector('output').value = seconds.toLocaleString(document.documentElement.lang, format);
}

function show(line, held, verdict, rows) {
  Object.assign(line, { textContent: verdict }).dataset.held = held;
  const table = line.nextElementSibling;
  table.hidden = rows.length === 0;
  table.replaceChildren();
  for (const cells of rows) {
    const row = table.insertRow();
    for (const [i, text] of cells.entries()) {
      const cell = document.createElement(text !== '' && (i === 0 || cells[0] === '') ? 'th' : 'td');
      row.append(Object.assign(cell, { textContent: text }));
    }
    row.lastChild.colSpan = rows[0].length - cells.length + 1;
  }
}
