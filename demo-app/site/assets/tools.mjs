/**
 * What the pages of a developer share. What the server reports while a page is open becomes events of the document:
 * `connected`, and `reported` with details.
 */
connect();

function connect() {
  const source = new EventSource('/dev/events');
  source.addEventListener('open', () => dispatch('connected'));
  source.addEventListener('message', ({ data }) => dispatch('reported', JSON.parse(data)));
  // Browsers give up if the response is no stream, such as that of a server that is starting.
  source.addEventListener('error', () => {
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 1000);
  });
  addEventListener('pagehide', () => source.close(), { once: true });
}

function dispatch(name, detail) {
  document.dispatchEvent(new CustomEvent(name, { detail }));
}

const { fetch } = window;

/** What Redis holds, and the status of an address. */
export async function readRedis(email) {
  const init = {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ email }),
  };
  const response = await fetch('/dev/redis', init).catch(() => undefined);
  return (await response?.json().catch(() => undefined)) ?? { kind: 'unavailable', keys: [] };
}

export function bytesOf(keys) {
  const sum = keys.reduce((total, { bytes }) => total + bytes, 0);
  return unit(sum, 'byte', 'long');
}

export function unit(number, name, unitDisplay = 'short') {
  const options = { style: 'unit', unit: name, unitDisplay, maximumFractionDigits: 0 };
  return number.toLocaleString(document.documentElement.lang, options);
}

export function el(tag, ...children) {
  const element = document.createElement(tag);
  element.append(...children);
  return element;
}
