/** The settings of the demo, read from environment variables. */
import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import type { TransportOption } from 'express-email-verification';

export type DemoSettings = ReturnType<typeof readSettings>;

/** An invalid setting. The message says how to correct it. */
export class SettingsError extends Error {}

/** @throws SettingsError */
export function readSettings(env: NodeJS.ProcessEnv) {
  const port = readInteger('PORT', env['PORT'] || '3000', 65_535);
  const smtp = readSmtp(env);
  const isProduction = env['NODE_ENV'] === 'production';
  if (!smtp && isProduction) {
    throw new SettingsError(
      'In production, the demo needs a mail server: set SMTP_URL, or SMTP_SERVICE, SMTP_USER, and SMTP_PASS.',
    );
  }
  const secret = env['EMAIL_VERIFICATION_SECRET'];
  if (secret && Buffer.byteLength(secret) < 32) {
    throw new SettingsError(
      'EMAIL_VERIFICATION_SECRET must be at least 32 bytes long. Create one with: openssl rand -base64 32',
    );
  }
  const hasStrongCodes = readInteger('STRONG_CODES', env['STRONG_CODES'] || '0', 1) === 1;
  return {
    port,
    smtp,
    isProduction,
    host: env['HOST'] || '127.0.0.1',
    origin: readOrigin(env['ORIGIN'] || `http://localhost:${port}`),
    redisUrl: readRedisUrl(env['REDIS_URL']),
    from: readFrom(env, smtp !== undefined),
    secret: secret || randomBytes(32).toString('base64url'),
    isSecretRandom: !secret,
    database: env['DATABASE'] || ':memory:',
    trustProxy: readInteger('TRUST_PROXY', env['TRUST_PROXY'] || '0', 10),
    /** Codes of letters that only the browser that requested them can enter. */
    codes: hasStrongCodes ? STRONG_CODES : undefined,
  };
}

const STRONG_CODES = { codeAlphabet: 'letters', binding: 'client' } as const;

/** Without one, the demo starts a mail server and shows its messages in an inbox. */
function readSmtp(env: NodeJS.ProcessEnv): { transport: TransportOption; name: string } | undefined {
  const { SMTP_URL: url, SMTP_SERVICE: service, SMTP_USER: user, SMTP_PASS: pass } = env;
  if (url) {
    const parsed = URL.canParse(url) ? new URL(url) : undefined;
    if (parsed?.protocol !== 'smtp:' && parsed?.protocol !== 'smtps:') {
      throw new SettingsError('SMTP_URL must be a URL such as smtp://user:password@mail.example.com:587.');
    }
    return { transport: url, name: parsed.host };
  }
  if (!service && !user && !pass) return undefined;
  if (!service || !user || !pass) {
    throw new SettingsError('Set SMTP_SERVICE, SMTP_USER, and SMTP_PASS together, or set SMTP_URL instead.');
  }
  return { transport: { service, auth: { user, pass } }, name: service };
}

/** Most providers accept only the user's own address as the sender. */
function readFrom(env: NodeJS.ProcessEnv, isDelivered: boolean): string {
  if (env['MAIL_FROM']) return env['MAIL_FROM'];
  if (!isDelivered) return 'Acme <hello@acme.example>';
  const user = env['SMTP_USER'] ?? '';
  if (user.includes('@')) return `Acme <${user}>`;
  throw new SettingsError('Set MAIL_FROM to the sender of the emails, such as "Acme <you@example.com>".');
}

function readOrigin(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'https:' || url?.protocol === 'http:') return url.origin;
  throw new SettingsError(`ORIGIN must be an origin such as https://demo.example.com, not ${inspect(text)}.`);
}

/** The value is not part of the message, because it may contain a password. */
function readRedisUrl(text: string | undefined): string | undefined {
  if (!text) return undefined;
  if (/^(rediss?|unix):\/\//.test(text) && URL.canParse(text)) return text;
  throw new SettingsError('REDIS_URL must be a URL such as redis://localhost:6379.');
}

function readInteger(name: string, text: string, max: number): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isInteger(value) && value >= 0 && value <= max) return value;
  throw new SettingsError(`${name} must be an integer from 0 to ${max}, not ${inspect(text)}.`);
}
