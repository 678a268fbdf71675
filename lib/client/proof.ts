/** The page's side of `browserProof`: keeps a nonce in the field that the browser fills in, and takes the proof out of it. */

export interface ProofFieldOptions {
  /** Where the router is mounted, such as `/email-verification`. */
  readonly baseUrl: string;
  /** Requests the nonces. @default the global fetch */
  readonly fetch?: typeof globalThis.fetch | undefined;
}

/** What attachProof() needs of the field, an `<input type="hidden" autocomplete="email-verification-token">`. */
export interface ProofInput {
  value: string;
  setAttribute(name: string, value: string): void;
  removeAttribute(name: string): void;
}

export interface ProofField {
  /**
   * The fields that a send needs, if the browser has made a proof: for `extra`. A proof works once, so the next call returns
   * nothing until the browser has made another.
   */
  take(): { readonly proof?: string; readonly nonce?: string };
  /** Stops getting nonces, and leaves the field without one. */
  detach(): void;
}

/**
 * Call it when the page shows the form, and `take()` when the form is submitted. In browsers that make no proofs, and while
 * the server takes none, `take()` returns `{}`.
 *
 * @throws TypeError for no field, no `baseUrl` or an unknown option.
 * @example
 * const proof = attachProof(form.elements.proof, { baseUrl: '/email-verification' });
 * form.onsubmit = () => client.send({ email: form.elements.email.value, extra: proof.take() });
 */
export function attachProof(input: ProofInput, options: ProofFieldOptions): ProofField {
  const { baseUrl, fetch = globalThis.fetch, ...unknown }: Partial<ProofFieldOptions> = Object(options);
  if (!input || typeof baseUrl !== 'string')
    throw new TypeError('attachProof() takes the field of the proof and { baseUrl }.');
  for (const name of Object.keys(unknown)) throw new TypeError(`Unknown option \`${name}\`.`);
  const url = `${baseUrl.replace(/\/$/, '')}/nonce`;
  let nonce: string | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isAttached = true;
  let taken: { readonly proof?: string; readonly nonce?: string } = {};

  /** Without a nonce, the browser makes no proof. */
  async function renew(): Promise<void> {
    clearTimeout(timer);
    input.removeAttribute('nonce');
    const got = await nonceFrom(fetch, url);
    if (!isAttached || !got) return;
    clearTimeout(timer);
    nonce = got.nonce;
    input.setAttribute('nonce', nonce);
    timer = setTimeout(renew, got.expiresIn * 1000);
  }

  void renew();
  return {
    take() {
      const proof = input.value;
      if (!proof) return {};
      input.value = '';
      // After a send that failed, the browser may fill the same proof in again. It is bound to the nonce of then.
      if (proof === taken.proof) return taken;
      taken = { proof, ...(nonce && { nonce }) };
      void renew();
      return taken;
    },
    detach() {
      isAttached = false;
      clearTimeout(timer);
      input.value = '';
      input.removeAttribute('nonce');
    },
  };
}

/** Undefined if the server makes none, or there is no network. */
async function nonceFrom(
  fetcher: typeof fetch,
  url: string,
): Promise<{ nonce: string; expiresIn: number } | undefined> {
  try {
    const response = await fetcher(url, { headers: { Accept: 'application/json' } });
    const { nonce, expiresIn }: Record<string, unknown> = Object(await response.json());
    const isNonce = response.ok && typeof nonce === 'string' && typeof expiresIn === 'number';
    return isNonce ? { nonce, expiresIn } : undefined;
  } catch {
    return undefined;
  }
}
