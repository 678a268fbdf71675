/** A Turnstile captcha before each email. For hCaptcha or reCAPTCHA, change `provider` and the widget of the page. */

import {
  createEmailVerification,
  type EmailVerification,
  type EmailVerificationOptions,
} from 'express-email-verification';
import { type CaptchaOptions, captcha } from 'express-email-verification/captcha';

type Keys = Pick<CaptchaOptions, 'secret' | 'hostname' | 'url'>;

export function createVerification(options: EmailVerificationOptions, keys: Keys): EmailVerification {
  const beforeSend = captcha({ provider: 'turnstile', action: 'signup', ...keys });
  return createEmailVerification({ ...options, beforeSend });
}

/** A token is accepted only once, so the widget is reset after each send. */
export const page = (siteKey: string) => `<!doctype html>
<script src="https://challenges.cloudflare.com/turnstile/v0/api.js" async defer></script>
<form id="ask">
  <input name="email" type="email" required>
  <div class="cf-turnstile" data-sitekey="${siteKey}" data-action="signup"></div>
  <button>Send code</button>
</form>
<p id="line" role="status"></p>
<script type="module">
  import { createEmailVerificationClient } from '/client.js';
  const client = createEmailVerificationClient({ baseUrl: '/email-verification' });
  ask.onsubmit = async (event) => {
    event.preventDefault();
    const extra = { captcha: window.turnstile?.getResponse() }; // undefined if the browser blocks the script
    const { message } = await client.send({ email: ask.email.value, extra });
    line.textContent = message ?? 'Please check your connection.';
    window.turnstile?.reset();
  };
</script>`;
