/** "Pretend that my browser can prove the address": fills the field in before the form is submitted, as such a browser does. */
import { post, storage } from './page.mjs';

const pretend = document.getElementById('pretend');
const { form } = document.getElementById('address-email');
const { email, proof } = form.elements;
let isProven = false;
pretend.checked = storage.getItem('pretend') === 'yes';
pretend.addEventListener('change', () => storage.setItem('pretend', pretend.checked ? 'yes' : 'no'));
form.addEventListener('submit', prove, { capture: true });

async function prove(event) {
  if (!pretend.checked || isProven || form.ariaBusy === 'true') return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const response = await post('/dev/proof', { email: email.value, nonce: proof.nonce });
  const made = await response?.json().catch(() => undefined);
  proof.value = made?.proof ?? '';
  isProven = true;
  form.requestSubmit();
  isProven = false;
}
