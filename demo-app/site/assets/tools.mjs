/**
 * What the developer's pages share. What the server reports while a page is open becomes events of the document:
 * `connected`, and `reported` with details.
 */
import { Idiomorph } from './idiomorph.mjs';

/** Between the inbox and the sign-up, which may be open in two tabs. */
export const channel = new BroadcastChannel('email-verification-demo');

connect();

function connect() {
  const source = new EventSource('/dev/events');
  source.addEventListener('open', () => dispatch('connected'));
  source.addEventListener('message', ({ data }) => dispatch('reported', JSON.parse(data)));
  // Browsers give up if the response is not a stream, such as that of a server that is starting.
  source.addEventListener('error', () => {
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 1000);
  });
  addEventListener('pagehide', () => source.close(), { once: true });
}

function dispatch(name, detail) {
  document.dispatchEvent(new CustomEvent(name, { detail }));
}

/** @returns the address as the server writes it: in lower case, with the domain in ASCII */
export function canonical(email) {
  const [, local = '', domain = ''] = /^\s*(.*)@(.*)$/.exec(email ?? '') ?? [];
  const url = `http://${domain}`;
  return URL.canParse(url) ? `${local.toLowerCase()}@${new URL(url).hostname}` : '';
}

/** Shows what the server rendered. What has not changed stays as it is: the focus, scroll positions, and open rows. */
export function morph(element, content, morphStyle = 'innerHTML') {
  const callbacks = { beforeAttributeUpdated: (name) => name !== 'open' };
  Idiomorph.morph(element, content, { morphStyle, callbacks });
}
