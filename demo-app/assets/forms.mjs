/**
 * Sends a form without leaving its page, so that nothing typed is lost when the network is away or the answer is
 * a refusal: the server answers a page as ever, and what it says is wrong is shown here.
 */

export async function submitForm(form) {
  try {
    const body = new URLSearchParams(new FormData(form));
    const response = await fetch(form.action, { method: 'POST', body });
    if (response.redirected) return { kind: 'moved', url: response.url };
    const page = new DOMParser().parseFromString(await response.text(), 'text/html');
    return page.querySelector('[role="alert"]') ? { kind: 'refused', page } : { kind: 'unexpected' };
  } catch {
    return { kind: 'offline' };
  }
}

/** Takes the messages of an answered page over into this one, and goes to the first field that is wrong. */
export function showProblems(place, answered) {
  for (const mine of place.querySelectorAll('[role="alert"]')) {
    const theirs = answered.getElementById(mine.id);
    mine.hidden = !theirs || theirs.hidden;
    mine.textContent = theirs?.textContent ?? '';
  }
  for (const input of place.querySelectorAll('input[id]')) {
    const isWrong = answered.getElementById(input.id)?.getAttribute('aria-invalid') === 'true';
    if (isWrong) input.setAttribute('aria-invalid', 'true');
    else input.removeAttribute('aria-invalid');
  }
  document.title = answered.title;
  place.querySelector('[aria-invalid="true"]')?.focus();
}
