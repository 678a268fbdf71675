/** After a sign-up: its requests, its email, and what is left of it in Redis. */
import { post, stored } from './page.mjs';
import { canonical } from './tools.mjs';

const receipt = document.getElementById('receipt');
const { email } = receipt.dataset;
const entries = [stored('story')].flat().filter((entry) => entry?.name);
const isSignUp = ({ status, request }) => status === 201 && canonical(request?.email) === email;

if (entries.some(isSignUp)) {
  const response = await post('/dev/receipt', { email, entries });
  if (response?.ok) {
    document.getElementById('receipt-story').outerHTML = await response.text();
    receipt.hidden = false;
    document.body.className = 'columns';
  }
}
