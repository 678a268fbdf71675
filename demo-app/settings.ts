/** What the demo reads from its environment. */
import { randomBytes } from 'node:crypto';
import type { TransportOption } from 'express-email-verification';

export interface DemoSettings {
  readonly port: number;
  readonly host: string;
  readonly origin: string;
  readonly redisUrl: string | undefined;
  /** Undefined: the demo brings a mail server along, and an inbox. */
  readonly smtp: { readonly transport: TransportOption; readonly name: string } | undefined;
  readonly from: string;
  readonly secret: string;
  readonly secretIsRandom: boolean;
  readonly database: string;
  readonly trustProxy: number | boolean;
}

/** What is wrong with the environment, in a sentence for the person who set it. */
export class SettingsError extends Error {}

/** @throws SettingsError */
export function readSettings(env: NodeJS.ProcessEnv): DemoSettings {
  const port = integer('PORT', env['PORT'] || '3000', 65_535);
  const smtp = readSmtp(env);
  if (!smtp && env['NODE_ENV'] === 'production') {
    throw new SettingsError(
      'NODE_ENV is production, where there is no inbox: set SMTP_URL, or SMTP_SERVICE, SMTP_USER and SMTP_PASS.',
    );
  }
  const secret = env['EMAIL_VERIFICATION_SECRET'];
  if (secret && Buffer.byteLength(secret) < 32) {
    throw new SettingsError(
      'EMAIL_VERIFICATION_SECRET must be at least 32 bytes, as of: openssl rand -base64 32',
    );
  }
  return {
    port,
    smtp,
    host: env['HOST'] || '127.0.0.1',
    origin: readOrigin(env['ORIGIN'] || `http://localhost:${port}`),
    redisUrl: readRedisUrl(env['REDIS_URL']),
    from: readFrom(env, smtp !== undefined),
    secret: secret || randomBytes(32).toString('base64url'),
    secretIsRandom: !secret,
    database: env['DATABASE'] || ':memory:',
    trustProxy: env['TRUST_PROXY'] ? integer('TRUST_PROXY', env['TRUST_PROXY'], 10) : false,
  };
}

function readSmtp(env: NodeJS.ProcessEnv): DemoSettings['smtp'] {
  const { SMTP_URL: url, SMTP_SERVICE: service, SMTP_USER: user, SMTP_PASS: pass } = env;
  if (url) {
    const parsed = URL.canParse(url) ? new URL(url) : undefined;
    if (parsed?.protocol !== 'smtp:' && parsed?.protocol !== 'smtps:') {
      throw new SettingsError('SMTP_URL must be like smtp://user:password@mail.example.com:587.');
    }
    return { transport: url, name: parsed.host };
  }
  if (!service && !user && !pass) return undefined;
  if (!service || !user || !pass) {
    throw new SettingsError('SMTP_SERVICE, SMTP_USER and SMTP_PASS go together: set all three, or SMTP_URL.');
  }
  return { transport: { service, auth: { user, pass } }, name: service };
}

/** Most providers refuse a sender other than the one who logged in. */
function readFrom(env: NodeJS.ProcessEnv, needsReal: boolean): string {
  if (env['MAIL_FROM']) return env['MAIL_FROM'];
  if (!needsReal) return 'Acme <hello@acme.example>';
  const user = env['SMTP_USER'] ?? '';
  if (user.includes('@')) return `Acme <${user}>`;
  throw new SettingsError('Set MAIL_FROM to the address that mails come from, as "Acme <you@example.com>".');
}

function readOrigin(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'https:' || url?.protocol === 'http:') return url.origin;
  throw new SettingsError('ORIGIN must be like https://demo.example.com.');
}

function readRedisUrl(text: string | undefined): string | undefined {
  if (!text) return undefined;
  if (/^(rediss?|unix):\/\//.test(text) && URL.canParse(text)) return text;
  throw new SettingsError('REDIS_URL must be like redis://localhost:6379.');
}

function integer(name: string, text: string, max: number): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isInteger(value) && value >= 0 && value <= max) return value;
  throw new SettingsError(`${name} must be a whole number from 0 to ${max}.`);
}
