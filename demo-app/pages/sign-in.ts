/** The sign-in page, the page for signed-in people, and the error page. */
import type { Account } from '../accounts.js';
import { html } from '../html.js';
import type { Translation } from '../locales/index.js';
import type { Page } from './layout.js';
import { field, formError, scriptStrings, stamp } from './parts.js';

export function signInPage(t: Translation, { email, error }: { email?: string; error?: string } = {}): Page {
  const { signIn, account, address, errors } = t;
  const hasError = error !== undefined;
  return {
    title: hasError ? `${errors.titlePrefix}: ${signIn.title}` : signIn.title,
    scripts: ['sign-in.mjs'],
    skipTo: 'form',
    main: html`<section class="card">
<h1 tabindex="-1">${signIn.title}</h1>
<p class="lead">${signIn.lead}</p>
${formError(error)}
<form method="post" action="/sign-in" novalidate>
${field('sign-in', { name: 'email', label: address.label, type: 'email', autocomplete: 'username', value: email, autofocus: !hasError })}
${field('sign-in', {
  name: 'password',
  label: account.password,
  describedBy: 'form-error',
  type: 'password',
  autocomplete: 'current-password',
  autofocus: hasError,
})}
<button>${signIn.button}</button>
</form>
<p class="aside">${signIn.noAccount} <a href="/sign-up">${t.nav.signUp}</a></p>
${scriptStrings(t)}
</section>`,
  };
}

export function welcomePage(t: Translation, { name, email }: Account): Page {
  const { welcome } = t;
  return {
    title: welcome.title(name),
    main: html`<section class="card">
<div class="card-header">${stamp('welcome')}</div>
<h1 tabindex="-1">${welcome.title(name)}</h1>
<p class="lead">${welcome.lead(email)}</p>
<form method="post" action="/sign-out"><button class="secondary">${t.nav.signOut}</button></form>
<p class="aside">${welcome.tryAgain}</p>
</section>`,
  };
}

export function errorPage(t: Translation, title: string, message: string, status: number): Page {
  return {
    title,
    status,
    main: html`<section class="card">
<h1 tabindex="-1">${title}</h1>
<p class="lead">${message}</p>
<p class="aside"><a href="/">${t.notFound.home}</a></p>
</section>`,
  };
}
