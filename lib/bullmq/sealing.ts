/**
 * Seals jobs, so that nobody without the secret reads or writes an address or a code in Redis: AES-256-GCM (NIST SP 800-38D)
 * under a key that HKDF (RFC 5869) derives from the app's secret for this use alone. The queue and the id of the job are
 * authenticated along with it: a sealed job that was moved to another queue or id does not open.
 *
 * With random nonces, one key is good for 2^32 messages (SP 800-38D §8.3), which a large app sends within weeks. So each job
 * has a key of its own, derived from the first half of a nonce of 24 bytes. The second half is the nonce of the cipher.
 */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { propertyOf } from '../errors.js';
import { OPTIONS } from '../options/options.js';

/** The data of a job, as Redis holds it. */
export interface SealedJob {
  /** The version of this format and of what is inside. */
  readonly v: number;
  /** Names the key. */
  readonly k: string;
  /** In base64: nonce, ciphertext, tag. */
  readonly s: string;
}

export type Opened =
  | { readonly kind: 'opened'; readonly text: string }
  /** A newer version of the package sealed it. */
  | { readonly kind: 'unknown_version' }
  /** Its secret is not among those of this worker. */
  | { readonly kind: 'unknown_key' }
  /** It is not what was sealed for this queue and this id. */
  | { readonly kind: 'altered' };

export interface Sealer {
  seal(text: string, jobId: string): SealedJob;
  open(data: unknown, jobId: string): Opened;
}

const VERSION = 1;
const CIPHER = 'aes-256-gcm';
const NONCE_LENGTH = 24;
const TAG_LENGTH = 16;

/** In bytes. Texts are filled up to a multiple of it, so that a job without a code is as long as one with. */
const BLOCK = 1024;

/** @throws TypeError for a secret that createEmailVerification() refuses, too. */
export function createSealer(secret: Parameters<typeof OPTIONS.secret>[0], queueName: string): Sealer {
  OPTIONS.secret(secret);
  const keys = [secret].flat().map((one = '') => ({
    name: Buffer.from(derive(one, 'queue-key-name', 6)).toString('base64url'),
    key: derive(one, 'queue', 32),
  }));
  const [first] = keys;
  const bound = (version: number, name: string, jobId: string) =>
    Buffer.from([version, name, queueName, jobId].join('\0'));

  return {
    seal(text, jobId) {
      if (!first) throw new Error('There is no secret.');
      const nonce = randomBytes(NONCE_LENGTH);
      const cipher = createCipheriv(CIPHER, ...keyAndNonce(first.key, nonce), { authTagLength: TAG_LENGTH });
      cipher.setAAD(bound(VERSION, first.name, jobId));
      const parts = [nonce, cipher.update(filled(text)), cipher.final(), cipher.getAuthTag()];
      return { v: VERSION, k: first.name, s: Buffer.concat(parts).toString('base64') };
    },
    open(data, jobId) {
      const [version, name, sealed] = ['v', 'k', 's'].map((field) => propertyOf(data, field));
      if (typeof version === 'number' && version !== VERSION) return { kind: 'unknown_version' };
      if (typeof name !== 'string' || typeof sealed !== 'string') return { kind: 'altered' };
      const known = keys.find((one) => one.name === name);
      if (!known) return { kind: 'unknown_key' };
      const bytes = Buffer.from(sealed, 'base64');
      const end = bytes.length - TAG_LENGTH;
      if (end < NONCE_LENGTH) return { kind: 'altered' };
      const nonce = bytes.subarray(0, NONCE_LENGTH);
      const decipher = createDecipheriv(CIPHER, ...keyAndNonce(known.key, nonce), {
        authTagLength: TAG_LENGTH,
      });
      decipher.setAAD(bound(VERSION, name, jobId));
      decipher.setAuthTag(bytes.subarray(end));
      try {
        const opened = Buffer.concat([decipher.update(bytes.subarray(NONCE_LENGTH, end)), decipher.final()]);
        return { kind: 'opened', text: opened.toString() };
      } catch {
        return { kind: 'altered' };
      }
    },
  };
}

function derive(secret: string, use: string, length: number): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', `express-email-verification/${use}`, length));
}

/** The key and the nonce of one job. */
function keyAndNonce(key: Buffer, nonce: Buffer): [Buffer, Buffer] {
  const half = NONCE_LENGTH / 2;
  return [createHmac('sha256', key).update(nonce.subarray(0, half)).digest(), nonce.subarray(half)];
}

/** JSON may end in spaces. */
function filled(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & (BLOCK - 1), ' ')]);
}
