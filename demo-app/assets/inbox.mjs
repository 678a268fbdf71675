/** The inbox keeps itself up to date, and copies a code at one click. */
document.addEventListener('click', async (event) => {
  const button = event.target.closest('[data-copy]');
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  const words = button.textContent;
  button.textContent = 'Copied';
  setTimeout(() => {
    button.textContent = words;
  }, 2000);
  document.getElementById('inbox-status').textContent = 'The code was copied.';
});

const stream = new EventSource('/inbox/events');
stream.addEventListener('mail', async () => {
  // Who reads one mail goes on reading it: the list alone is new.
  const response = await fetch(location.href);
  const page = new DOMParser().parseFromString(await response.text(), 'text/html');
  const isOpen = location.pathname !== '/inbox';
  const part = isOpen ? '.mails' : '#inbox';
  document.querySelector(part)?.replaceWith(page.querySelector(part));
  document.getElementById('inbox-status').textContent = 'There is a new mail.';
});
addEventListener('pagehide', () => stream.close());
