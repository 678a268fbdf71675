/**
 * Messages composed in advance. In one language, and with the same time left, the emails of the default template differ only
 * in the recipient, the code, the date and the reference. nodemailer composes such a message once; after that, only these values
 * are filled in. Composing is most of the cost of an email.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { isBuiltIn, type Locale } from '../locales/locale.js';
import type { Settings } from '../options/options.js';
import { buildMessage, type MessageInput, messageIdOf } from './message.js';
import type { Compose, RawMessage } from './smtp/composer.js';
import { defaultTemplate } from './template.js';
import type { Transport } from './transport/transport.js';

/** The message with a code that is still valid for `remaining` ms; undefined when nodemailer has to compose it. */
export type PreparedMessages = (input: MessageInput, remaining: number) => RawMessage | undefined;

/** There is one for each locale and each validity in seconds, because the text depends on both. Each takes about 10 kB. */
const MAX_BLUEPRINTS = 64;

export function createPreparedMessages(settings: Settings, pool: Transport['pool']): PreparedMessages {
  const { compose } = pool ?? {};
  if (!compose || settings.template !== defaultTemplate) return () => undefined;
  /** By language tag and seconds. A blueprint is made when it is needed for the second time. */
  const blueprints = new Map<string, Blueprint | 'seen' | 'unavailable'>();

  return function preparedMessage({ email, code, content, words, locale, reference }, remaining) {
    const isPlain = code !== undefined && content === undefined && words === undefined;
    // The texts of an app's own locales may change between emails, for example if they name the time.
    if (!isPlain || !isBuiltIn(locale)) return undefined;
    const seconds = Math.ceil(remaining / 1000);
    const key = `${locale.tag} ${seconds}`;
    const blueprint = blueprints.get(key);
    if (typeof blueprint === 'object') {
      const messageId = messageIdOf(reference, settings.from);
      const raw = fill(blueprint, { email, code, date: new Date(), messageId, reference });
      return { envelope: { from: blueprint.sender, to: [email] }, messageId, raw };
    }
    if (blueprint === undefined) {
      const [oldest = ''] = blueprints.keys();
      if (blueprints.size >= MAX_BLUEPRINTS) blueprints.delete(oldest);
      blueprints.set(key, 'seen');
    } else if (blueprint === 'seen') {
      blueprints.set(key, 'unavailable');
      // If this fails, nodemailer goes on composing each message, and the delivery reports what is wrong.
      createBlueprint(settings, compose, locale, seconds).then(
        (created) => created && blueprints.has(key) && blueprints.set(key, created),
        () => {},
      );
    }
    return undefined;
  };
}

/** A composed message in pieces: fixed text in latin1, and functions that return the values between them. */
interface Blueprint {
  readonly sender: string;
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

function fill({ pieces }: Pick<Blueprint, 'pieces'>, values: Values): Buffer {
  let text = '';
  for (const piece of pieces) text += typeof piece === 'string' ? piece : piece(values);
  return Buffer.from(text, 'latin1');
}

/**
 * Composes a message with two codes, to find their digits: the places where the two differ. Then verifies the blueprint:
 * filled in with other values, it must equal what nodemailer composes of them, byte for byte.
 *
 * @returns undefined when it does not, for example because a code in the subject is encoded
 */
async function createBlueprint(
  settings: Settings,
  compose: Compose,
  locale: Locale,
  seconds: number,
): Promise<Blueprint | undefined> {
  const baseBoundary = randomBytes(8).toString('hex');
  async function composeWith({ email, code, date, reference }: Values) {
    const built = buildMessage({ email, locale, code, reference }, seconds * 1000, settings);
    if (built.kind === 'failed') throw built.error;
    const { raw, envelope } = await compose({ ...built.message, date, baseBoundary });
    return { text: raw.toString('latin1'), sender: envelope.from || '' };
  }

  const { codes } = settings;
  const [one, two, last] = codes.samples;
  const otherCode = codes.write(two);
  const probe = drawValues(codes.write(one), 0, settings);
  const [ones, twos] = await Promise.all([composeWith(probe), composeWith({ ...probe, code: otherCode })]);
  const pieces = piecesOf(ones.text, twos.text, probe, otherCode);
  if (!pieces) return undefined;
  // Their addresses are the longest that is not folded and the shortest that is.
  for (const length of [MAX_UNFOLDED, MAX_UNFOLDED + 1]) {
    const sample = drawValues(codes.write(last), Date.now(), settings);
    const email = sample.email.padStart(length, 'a');
    const expected = await composeWith({ ...sample, email });
    if (fill({ pieces }, { ...sample, email }).toString('latin1') !== expected.text) return undefined;
  }
  return { sender: ones.sender, pieces };
}

function drawValues(code: string, time: number, { from }: Settings): Values {
  const reference = randomUUID();
  return {
    email: `${randomBytes(8).toString('hex')}@recipient.invalid`,
    code,
    date: new Date(time),
    messageId: messageIdOf(reference, from),
    reference,
  };
}

/** Undefined if a line of the two messages differs in length, and so in more than the code. */
function piecesOf(ones: string, twos: string, probe: Values, otherCode: string): Piece[] | undefined {
  const headers = new Map<string, Piece>([
    [toHeader(probe), toHeader],
    [dateHeader(probe), dateHeader],
    [`Message-ID: ${probe.messageId}`, ({ messageId }) => `Message-ID: ${messageId}`],
    [`X-Entity-Ref-ID: ${probe.reference}`, ({ reference }) => `X-Entity-Ref-ID: ${reference}`],
  ]);
  const lines = ones.split('\r\n');
  const otherLines = twos.split('\r\n');
  const pieces: Piece[] = [];
  const codePlaces = placesIn(probe.code, otherCode);

  for (const [n, line] of lines.entries()) {
    const other = otherLines[n];
    if (other?.length !== line.length) return undefined;
    if (n > 0) pieces.push('\r\n');
    if (line === other) pieces.push(headers.get(line) ?? line);
    else pieces.push(...(piecesOfText(line, other, codePlaces) ?? [base64Piece(line, other, codePlaces)]));
  }
  return mergeTexts(pieces);
}

/** Where characters of the code belong. A message shows the code several times, each time whole and in order. */
interface CodePlaces {
  /** Whether two characters are those of the two codes. */
  isOfCode(one: string | undefined, other: string | undefined): boolean;
  /** The place in the code of the next character that is found. */
  next(): number;
}

/** A dash, which both codes have in the same place, is fixed text. */
function placesIn(code: string, otherCode: string): CodePlaces {
  const places = [...code].flatMap((character, at) => (character === otherCode[at] ? [] : [at]));
  let found = 0;
  return {
    isOfCode: (one, other) => one === code[0] && other === otherCode[0],
    next: () => places[found++ % places.length] ?? 0,
  };
}

/** The pieces of a line that contains characters of the code; undefined if the line is encoded. */
function piecesOfText(line: string, other: string, places: CodePlaces): Piece[] | undefined {
  const differing = [...line].flatMap((_, at) => (line[at] === other[at] ? [] : [at]));
  if (!differing.every((at) => places.isOfCode(line[at], other[at]))) return undefined;
  const pieces: Piece[] = [];
  let end = 0;
  for (const at of differing) {
    const place = places.next();
    pieces.push(line.slice(end, at), ({ code }) => code.charAt(place));
    end = at + 1;
  }
  return [...pieces, line.slice(end)];
}

/** The piece of a line of base64, which encodes whole bytes. */
function base64Piece(line: string, other: string, places: CodePlaces): Piece {
  const bytes = Buffer.from(line, 'base64');
  const otherBytes = Buffer.from(other, 'base64');
  const characters = [...bytes.keys()]
    .filter((at) => bytes[at] !== otherBytes[at])
    .map((at) => ({ at, place: places.next() }));
  return ({ code }) => {
    const filled = Buffer.from(bytes);
    for (const { at, place } of characters) filled[at] = code.charCodeAt(place);
    return filled.toString('base64');
  };
}

/** Joins neighboring pieces of text, so that filling in takes as few steps as possible. */
function mergeTexts(pieces: readonly Piece[]): Piece[] {
  const result: Piece[] = [];
  for (const piece of pieces) {
    const last = result.at(-1);
    if (typeof piece === 'string' && typeof last === 'string') result[result.length - 1] = last + piece;
    else result.push(piece);
  }
  return result;
}

/** The length of the longest address that fits on the line of its header: nodemailer folds at 76 characters. */
const MAX_UNFOLDED = 71;

/** Folded as nodemailer does (RFC 5322 §2.2.3). */
function toHeader({ email }: Values): string {
  return email.length <= MAX_UNFOLDED ? `To: ${email}` : `To:\r\n ${email}`;
}

/** RFC 5322 §3.6.1. */
function dateHeader({ date }: Values): string {
  return `Date: ${date.toUTCString().replace('GMT', '+0000')}`;
}
