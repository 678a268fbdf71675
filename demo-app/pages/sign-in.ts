/** Sign-in, and what comes after it. */
import type { Account } from '../accounts.js';
import { html } from '../html.js';
import type { Words } from '../words/index.js';
import type { Page } from './layout.js';
import { field, problem, scriptWords, stamp } from './parts.js';

export function signInPage(
  words: Words,
  { email, failure }: { email?: string; failure?: string } = {},
): Page {
  const { signIn, account, address, problems } = words;
  const failed = failure !== undefined;
  return {
    title: failed ? `${problems.prefix}: ${signIn.title}` : signIn.title,
    scripts: ['sign-in.mjs'],
    skipTo: 'form',
    main: html`<section class="card">
<h1 tabindex="-1">${signIn.title}</h1>
<p class="lead">${signIn.lead}</p>
${problem(failure)}
<form method="post" action="/sign-in" novalidate>
${field('sign-in', { name: 'email', label: address.label, type: 'email', autocomplete: 'username', value: email, autofocus: !failed })}
${field('sign-in', {
  name: 'password',
  label: account.password,
  describedBy: 'problem',
  type: 'password',
  autocomplete: 'current-password',
  autofocus: failed,
})}
<button>${signIn.button}</button>
</form>
<p class="aside">${signIn.noAccount} <a href="/sign-up">${words.nav.signUp}</a></p>
${scriptWords(words)}
</section>`,
  };
}

export function welcomePage(words: Words, { name, email }: Account): Page {
  const { welcome } = words;
  return {
    title: welcome.title(name),
    main: html`<section class="card">
<div class="card-head">${stamp('welcome')}</div>
<h1 tabindex="-1">${welcome.title(name)}</h1>
<p class="lead">${welcome.lead(email)}</p>
<form method="post" action="/sign-out"><button class="quiet">${words.nav.signOut}</button></form>
<p class="aside">${welcome.tryAgain}</p>
</section>`,
  };
}

export function troublePage(words: Words, title: string, message: string, status: number): Page {
  return {
    title,
    status,
    main: html`<section class="card">
<h1 tabindex="-1">${title}</h1>
<p class="lead">${message}</p>
<p class="aside"><a href="/">${words.lost.home}</a></p>
</section>`,
  };
}
