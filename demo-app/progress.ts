/**
 * How far a sign-up has come, in a short-lived cookie, so that the pages need no script and stand a reload.
 * It needs no signature: the package judges the address, the id and the token each time they come back.
 */
import type { Request, Response } from 'express';
import { cookieName, cookieOptions, readCookie } from './cookies.js';

export interface Progress {
  readonly email: string;
  readonly challengeId?: string | undefined;
  /** In ms by the server's clock: when the code ends, when another may be asked for. */
  readonly expiresAt?: number | undefined;
  readonly resendAt?: number | undefined;
  /** Said beside the code: the mail may be late, or another one was refused. */
  readonly notice?: 'delivery_unknown' | 'too_many_requests' | undefined;
  readonly verificationToken?: string | undefined;
}

export interface ProgressCookie {
  read(req: Request): Progress | undefined;
  keep(res: Response, progress: Progress): void;
  clear(res: Response): void;
}

const LIFETIME_SECONDS = 900;

export function createProgressCookie({ secure }: { secure: boolean }): ProgressCookie {
  const name = cookieName('sign-up', secure);
  return {
    read: (req) => parse(readCookie(req, name)),
    keep(res, progress) {
      res.cookie(name, JSON.stringify(progress), cookieOptions(secure, LIFETIME_SECONDS));
    },
    clear(res) {
      res.clearCookie(name, cookieOptions(secure, 0));
    },
  };
}

function parse(text: string | undefined): Progress | undefined {
  try {
    const found: unknown = JSON.parse(text ?? 'null');
    return isProgress(found) ? found : undefined;
  } catch {
    return undefined;
  }
}

function isProgress(value: unknown): value is Progress {
  return typeof value === 'object' && value !== null && 'email' in value && typeof value.email === 'string';
}
