/**
 * No code to enter where the browser can prove the address (experimental): with Chrome in its origin trial, and Gmail. Everybody else
 * gets the code. `origin` is where the page is.
 */

import {
  createEmailVerification,
  type EmailVerification,
  type EmailVerificationOptions,
} from 'express-email-verification';
import { type EvpOptions, evp } from 'express-email-verification/evp';

export function createVerification(
  options: EmailVerificationOptions,
  { origin, ...more }: { readonly origin: string } & Partial<EvpOptions>,
): EmailVerification {
  return createEmailVerification({ ...options, browserProof: evp({ origins: [origin], ...more }) });
}

/** Serve dist/esm/client/client.js and proof.js of the package as /client.js and /proof.js. The trial gives you its token. */
export const page = (trialToken: string) => `<!doctype html>
<meta http-equiv="origin-trial" content="${trialToken}">
<form id="start">
  <input name="email" type="email" autocomplete="email" required>
  <input name="proof" type="hidden" autocomplete="email-verification-token">
  <button>Continue</button>
</form>
<p id="line" role="status"></p>
<script type="module">
  import { createEmailVerificationClient } from '/client.js';
  import { attachProof } from '/proof.js';
  const client = createEmailVerificationClient({ baseUrl: '/email-verification' });
  const proof = attachProof(start.proof, { baseUrl: '/email-verification' });
  start.onsubmit = async (event) => {
    event.preventDefault();
    await client.send({ email: start.email.value, extra: proof.take() });
    line.textContent = client.state.message ?? 'Please check your connection.'; // verified, or "We sent you a code"
  };
</script>`;
