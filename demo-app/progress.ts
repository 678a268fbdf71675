/**
 * The progress of a sign-up, in a short-lived cookie, so that the pages work without scripts and survive a reload.
 * It needs no signature, because the package checks the address, the ID, and the token each time they are used.
 */
import type { Request, Response } from 'express';
import { cookieName, cookieOptions, readCookie } from './cookies.js';

export interface Progress {
  readonly email: string;
  readonly challengeId?: string | undefined;
  /** When the code expires, as a timestamp in milliseconds. */
  readonly expiresAt?: number | undefined;
  /** When another code can be requested, as a timestamp in milliseconds. */
  readonly resendAt?: number | undefined;
  /** Shown on the code page: the email may be delayed, or another code was refused. */
  readonly notice?: 'delivery_unknown' | 'too_many_requests' | undefined;
  readonly verificationToken?: string | undefined;
}

export interface ProgressCookie {
  read(req: Request): Progress | undefined;
  save(res: Response, progress: Progress): void;
  clear(res: Response): void;
}

const LIFETIME_SECONDS = 900;

export function createProgressCookie({ secure }: { secure: boolean }): ProgressCookie {
  const name = cookieName('sign-up', secure);
  return {
    read: (req) => parse(readCookie(req, name)),
    save(res, progress) {
      res.cookie(name, JSON.stringify(progress), cookieOptions(secure, LIFETIME_SECONDS));
    },
    clear(res) {
      res.clearCookie(name, cookieOptions(secure, 0));
    },
  };
}

function parse(text: string | undefined): Progress | undefined {
  try {
    const value: unknown = JSON.parse(text ?? 'null');
    return isProgress(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isProgress(value: unknown): value is Progress {
  return typeof value === 'object' && value !== null && 'email' in value && typeof value.email === 'string';
}
