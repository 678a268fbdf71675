/** After a sign-up: its requests, its email, and what is left of it in Redis. */
import { bytesOf, el, readRedis, unit } from './tools.mjs';

const receipt = document.getElementById('receipt');
const texts = JSON.parse(receipt.dataset.texts);
const story = JSON.parse(sessionStorage.getItem('story') ?? '[]');

const isOfAccount = ({ email }) => email.trim().toLowerCase() === receipt.dataset.email;
if (story.some(({ status, request }) => status === 201 && isOfAccount(request))) await show();

async function show() {
  // The next sign-up begins another story.
  sessionStorage.setItem('receipt', 'shown');
  list('requests', ({ method }) => method);
  list('emails', ({ name }) => name === 'delivered');
  receipt.hidden = false;
  document.body.className = 'columns';
  const { kind, keys, status } = await readRedis(receipt.dataset.email);
  const isAllUsed = status?.kind === 'status' && status.codes.length + status.tokens === 0;
  const bytes = bytesOf(keys.filter(({ isOwn }) => isOwn));
  const left = kind === 'redis' ? texts.left.replace('{bytes}', bytes) : texts[kind];
  document.getElementById('receipt-redis').textContent = `${left} ${isAllUsed ? texts.allUsed : ''}`;
}

function list(id, matches) {
  const rows = story.filter(matches).map(({ method = '', name, detail, status = '', duration = 0 }) => {
    const label = detail ?? el('code', `${method} ${name}`);
    return el('li', label, ` ${status} ${unit(duration, 'millisecond')}`);
  });
  document.getElementById(`receipt-${id}`).replaceChildren(...rows);
}
