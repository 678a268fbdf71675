/**
 * Messages composed in advance. The emails of the default template in one language differ only in the recipient, the code,
 * the date and two ids. nodemailer composes the message once; after that, only these are filled in. Composing is most of
 * what an email costs.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import type { Locale } from '../locales/index.js';
import type { Settings } from '../options/options.js';
import { buildMessage, type Recipient } from './message.js';
import type { Compose, RawMessage } from './smtp/pool.js';
import { defaultTemplate } from './template.js';

/** The message with a code that is valid for `lifetime` ms; undefined when nodemailer has to compose it. */
export type PreparedMessages = (recipient: Recipient, lifetime: number) => RawMessage | undefined;

/** A language has one form for each number of seconds that a code has left. Each takes about 10 kB. */
const MOST_FORMS = 64;

export function createPreparedMessages(settings: Settings): PreparedMessages {
  const { compose } = settings.transport.pool ?? {};
  if (!compose || settings.template !== defaultTemplate) return () => undefined;
  /** By language and seconds. A form is made the second time that it is needed. */
  const forms = new Map<string, Form | 'needed once' | 'unavailable'>();

  return function preparedMessage({ email, code, content, locale }, lifetime) {
    if (code === undefined || content !== undefined) return undefined;
    const seconds = Math.ceil(lifetime / 1000);
    const key = `${locale.tag} ${seconds}`;
    const form = forms.get(key);
    if (typeof form === 'object') {
      const messageId = `<${randomUUID()}@${form.domain}>`;
      const raw = fill(form, { email, code, date: new Date(), messageId, reference: randomUUID() });
      return { envelope: { from: form.sender, to: [email] }, messageId, raw };
    }
    if (form === undefined) {
      const [oldest = ''] = forms.keys();
      if (forms.size >= MOST_FORMS) forms.delete(oldest);
      forms.set(key, 'needed once');
    } else if (form === 'needed once') {
      forms.set(key, 'unavailable');
      // If it fails, nodemailer composes each message, and the delivery reports what is wrong.
      createForm(settings, compose, locale, seconds).then(
        (created) => created && forms.set(key, created),
        () => {},
      );
    }
    return undefined;
  };
}

/** A composed message: text as latin1, and functions for what is filled in between. */
interface Form {
  readonly sender: string;
  /** The sender's, for the Message-ID. */
  readonly domain: string;
  readonly pieces: readonly Piece[];
}

type Piece = string | ((values: Values) => string);

interface Values {
  readonly email: string;
  readonly code: string;
  readonly date: Date;
  readonly messageId: string;
  readonly reference: string;
}

function fill({ pieces }: Pick<Form, 'pieces'>, values: Values): Buffer {
  let text = '';
  for (const piece of pieces) text += typeof piece === 'string' ? piece : piece(values);
  return Buffer.from(text, 'latin1');
}

/**
 * Composes a message twice, with different codes: where the two differ are the digits. Composes a third one to prove the
 * form: filled in, it must be what nodemailer composes, byte for byte.
 *
 * @returns Undefined when it is not, as when a code in the subject is encoded.
 */
async function createForm(
  settings: Settings,
  compose: Compose,
  locale: Locale,
  seconds: number,
): Promise<Form | undefined> {
  const baseBoundary = randomBytes(8).toString('hex');
  async function composeWith({ email, code, date, messageId, reference }: Values) {
    const built = buildMessage({ email, locale, code }, seconds * 1000, settings);
    if (built.kind === 'failed') throw built.error;
    const headers = { ...built.message.headers, 'X-Entity-Ref-ID': reference };
    const { raw, envelope } = await compose({ ...built.message, headers, date, messageId, baseBoundary });
    return { text: raw.toString('latin1'), sender: envelope.from || '' };
  }

  const probe = drawValues('1'.repeat(settings.codeLength), 0);
  const sample = drawValues('0123456789'.slice(0, settings.codeLength), Date.now());
  const [ones, twos, proof] = await Promise.all([
    composeWith(probe),
    composeWith({ ...probe, code: '2'.repeat(settings.codeLength) }),
    composeWith(sample),
  ]);
  const pieces = piecesOf(ones.text, twos.text, probe);
  if (!pieces || fill({ pieces }, sample).toString('latin1') !== proof.text) return undefined;
  const { sender } = ones;
  return { sender, domain: sender.slice(sender.lastIndexOf('@') + 1), pieces };
}

function drawValues(code: string, time: number): Values {
  return {
    email: `${randomBytes(8).toString('hex')}@recipient.invalid`,
    code,
    date: new Date(time),
    messageId: `<${randomUUID()}@message.invalid>`,
    reference: randomUUID(),
  };
}

/** Undefined when the two messages differ in more than their codes. */
function piecesOf(ones: string, twos: string, probe: Values): Piece[] | undefined {
  const headers = new Map<string, Piece>([
    [toHeader(probe), toHeader],
    [dateHeader(probe), dateHeader],
    [`Message-ID: ${probe.messageId}`, ({ messageId }) => `Message-ID: ${messageId}`],
    [`X-Entity-Ref-ID: ${probe.reference}`, ({ reference }) => `X-Entity-Ref-ID: ${reference}`],
  ]);
  const lines = ones.split('\r\n');
  const otherLines = twos.split('\r\n');
  const pieces: Piece[] = [];
  let digits = 0;
  const nextDigit = () => digits++ % probe.code.length;

  for (const [n, line] of lines.entries()) {
    const other = otherLines[n];
    if (other?.length !== line.length) return undefined;
    if (n > 0) pieces.push('\r\n');
    if (line === other) pieces.push(headers.get(line) ?? line);
    else pieces.push(...(piecesOfText(line, other, nextDigit) ?? [base64Piece(line, other, nextDigit)]));
  }
  return joined(pieces);
}

/** A line with digits of the code in it; undefined when it is encoded. */
function piecesOfText(line: string, other: string, nextDigit: () => number): Piece[] | undefined {
  const differing = [...line].flatMap((_, at) => (line[at] === other[at] ? [] : [at]));
  if (!differing.every((at) => line[at] === '1' && other[at] === '2')) return undefined;
  const pieces: Piece[] = [];
  let end = 0;
  for (const at of differing) {
    const digit = nextDigit();
    pieces.push(line.slice(end, at), ({ code }) => code.charAt(digit));
    end = at + 1;
  }
  return [...pieces, line.slice(end)];
}

/** A line of base64, which stands for whole bytes. */
function base64Piece(line: string, other: string, nextDigit: () => number): Piece {
  const bytes = Buffer.from(line, 'base64');
  const otherBytes = Buffer.from(other, 'base64');
  const digits = [...bytes.keys()]
    .filter((at) => bytes[at] !== otherBytes[at])
    .map((at) => ({ at, digit: nextDigit() }));
  return ({ code }) => {
    const filled = Buffer.from(bytes);
    for (const { at, digit } of digits) filled[at] = code.charCodeAt(digit);
    return filled.toString('base64');
  };
}

function joined(pieces: readonly Piece[]): Piece[] {
  const result: Piece[] = [];
  for (const piece of pieces) {
    const last = result.at(-1);
    if (typeof piece === 'string' && typeof last === 'string') result[result.length - 1] = last + piece;
    else result.push(piece);
  }
  return result;
}

/** Folded before 76 characters are full, as nodemailer does (RFC 5322 §2.2.3). */
function toHeader({ email }: Values): string {
  return email.length < 72 ? `To: ${email}` : `To:\r\n ${email}`;
}

/** RFC 5322 §3.6.1. */
function dateHeader({ date }: Values): string {
  return `Date: ${date.toUTCString().replace('GMT', '+0000')}`;
}
