/** The settings of the demo, read from environment variables. */
import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';

export type DemoSettings = ReturnType<typeof readSettings>;

/** An invalid setting. The message says how to correct it. */
export class SettingsError extends Error {}

/** @throws SettingsError */
export function readSettings(env: NodeJS.ProcessEnv) {
  const port = readInteger('PORT', env['PORT'] || '3000', 65_535, 1);
  const smtpUrl = readUrl(env, 'SMTP_URL', 'smtp: smtps:', 'smtp://user:password@mail.example.com:587');
  const isProduction = env['NODE_ENV'] === 'production';
  if (!smtpUrl && isProduction)
    throw new SettingsError('In production, the demo needs a mail server: set SMTP_URL.');
  const secret = env['EMAIL_VERIFICATION_SECRET'];
  if (secret && Buffer.byteLength(secret) < 32) {
    throw new SettingsError(
      'EMAIL_VERIFICATION_SECRET must be at least 32 bytes long. Create one with: openssl rand -base64 32',
    );
  }
  const hasStrongCodes = readInteger('STRONG_CODES', env['STRONG_CODES'] || '0', 1) === 1;
  return {
    port,
    smtpUrl,
    isProduction,
    host: env['HOST'] || '127.0.0.1',
    origin: readOrigin(env['ORIGIN'] || `http://localhost:${port}`),
    redisUrl: readUrl(env, 'REDIS_URL', 'redis: rediss: unix:', 'redis://localhost:6379'),
    from: readFrom(env, smtpUrl),
    secret: secret || randomBytes(32).toString('base64url'),
    isSecretRandom: !secret,
    database: env['DATABASE'] || ':memory:',
    trustProxy: readInteger('TRUST_PROXY', env['TRUST_PROXY'] || '0', 10),
    /** Codes of letters that only the browser that requested them can enter. */
    codes: hasStrongCodes ? STRONG_CODES : undefined,
  };
}

const STRONG_CODES = { codeAlphabet: 'letters', binding: 'client' } as const;

/** The value is not part of a message, because it may contain a password. */
function readUrl(
  env: NodeJS.ProcessEnv,
  name: string,
  protocols: string,
  example: string,
): string | undefined {
  const text = env[name] || undefined;
  const isValid =
    text === undefined ||
    (URL.canParse(text) && protocols.includes(new URL(text).protocol) && !/%(?![\da-f]{2})/i.test(text));
  if (isValid) return text;
  throw new SettingsError(`${name} must be a URL such as ${example}.`);
}

/** Most providers accept only the user's own address as the sender. */
function readFrom({ MAIL_FROM }: NodeJS.ProcessEnv, smtpUrl: string | undefined): string {
  const user = smtpUrl ? decodeURIComponent(new URL(smtpUrl).username) : 'hello@acme.example';
  if (MAIL_FROM || user.includes('@')) return MAIL_FROM || `Acme <${user}>`;
  throw new SettingsError('Set MAIL_FROM to the sender of the emails, such as "Acme <you@example.com>".');
}

function readOrigin(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'https:' || url?.protocol === 'http:') return url.origin;
  throw new SettingsError(`ORIGIN must be an origin such as https://demo.example.com, not ${inspect(text)}.`);
}

function readInteger(name: string, text: string, max: number, min = 0): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isInteger(value) && value >= min && value <= max) return value;
  throw new SettingsError(`${name} must be an integer from ${min} to ${max}, not ${inspect(text)}.`);
}
