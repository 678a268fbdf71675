/** How many requests one client may make, by express-rate-limit. */
import type { Request, RequestHandler, Response } from 'express';
import { type RateLimitExceededEventHandler, rateLimit } from 'express-rate-limit';
import type { Acts } from '../../core.js';
import { isWhole, refuse, refuseHidden } from '../../options/checks.js';
import { localeOf } from '../language.js';
import { judgedSend } from '../read-request.js';
import { answer, type Flag } from '../respond.js';
import { runStep } from '../step.js';
import { createProxyWarning, networkOf } from './client-address.js';
import type { ClientLimit } from './options.js';
import { boundStore, ClientStoreTrouble, createClientStore } from './store.js';

type Route = 'send' | 'verify';

/** The limits of a verification, each made once: its router, or several of them, and the app's own routes share them. */
export type ClientLimits = Readonly<Record<Route, RequestHandler>>;

export function createClientLimits(acts: Acts): ClientLimits {
  return { send: createClientLimit(acts, 'send', 'ok'), verify: createClientLimit(acts, 'verify', 'verify') };
}

/** A middleware that only goes on when there is no limit. */
function createClientLimit(acts: Acts, route: Route, flag: Flag): RequestHandler {
  const { settings } = acts;
  const limit = settings.rateLimit[route];
  if (!limit) {
    return function clientLimit(_req, _res, next) {
      next();
    };
  }

  const path = `rateLimit.${route}`;
  const { keyGenerator, ipv6Subnet, store, handler, message, retryAfter, validate, ...rest } = limit;
  const warnOfProxy = keyGenerator ? undefined : createProxyWarning(validate);
  const limiter = rateLimit({
    identifier: `${route}-by-client`,
    ...rest,
    limit: checkedLimit(path, limit.limit),
    keyGenerator: keyGenerator ? checkedKey(path, keyGenerator) : networkOf(path, ipv6Subnet),
    store: store
      ? boundStore(path, store, settings.storeTimeout)
      : createClientStore(settings, route, limit.windowMs),
    validate: typeof validate === 'boolean' ? validate : { ...OURS, ...validate },
    ...(handler
      ? { message, retryAfter, handler: goingOn(handler) }
      : { handler: tooManyRequests(acts, path, flag, limit) }),
  });

  return function clientLimit(req, res, next) {
    warnOfProxy?.(req);
    const step = async () => {
      try {
        await passed(limiter, req, res);
        return 'next';
      } catch (error) {
        if (!(error instanceof ClientStoreTrouble)) throw error;
        return answer(res, flag, acts.unavailable(route, error.cause, localeOf(req, acts)));
      }
    };
    runStep(step, res, next);
  };
}

/**
 * Settles when the limiter goes on, and not when it has answered. Who may go on does so by a call without an
 * argument: one with undefined tells what a callback threw.
 */
function passed(limiter: RequestHandler, req: Request, res: Response): Promise<void> {
  return new Promise((resolve, reject) => {
    void limiter(req, res, (...thrown: unknown[]) => (thrown.length === 0 ? resolve() : reject(thrown[0])));
  });
}

/** What express-rate-limit need not warn of: it is refused at start, or of no harm in a store that several processes share. */
const OURS = { limit: false, creationStack: false } as const;

function tooManyRequests(acts: Acts, path: string, flag: Flag, limit: ClientLimit) {
  const { message, statusCode } = limit;
  return async (req: Request, res: Response): Promise<void> => {
    const retryAfter = await retryAfterOf(path, limit, req, res);
    const outcome = await acts.limited(judgedSend(req), retryAfter, localeOf(req, acts));
    const said: unknown = typeof message === 'function' ? await message(req, res) : message;
    if (said !== undefined && typeof said !== 'string')
      refuse(`${path}.message`, 'a function that returns a string', said);
    answer(res, flag, said === undefined ? outcome : { ...outcome, message: said }, statusCode);
  };
}

/** Whole seconds until this client may come again, by the count and not by a header: an app may want none. */
async function retryAfterOf(path: string, limit: ClientLimit, req: Request, res: Response): Promise<number> {
  const { retryAfter, requestPropertyName, windowMs } = limit;
  const wanted: unknown = typeof retryAfter === 'function' ? await retryAfter(req, res) : retryAfter;
  if (wanted !== undefined) {
    return isWhole(wanted, 1, Number.MAX_SAFE_INTEGER)
      ? wanted
      : refuse(`${path}.retryAfter`, 'a function that returns a whole number of seconds, at least 1', wanted);
  }
  const { resetTime }: { resetTime?: unknown } = Object(Reflect.get(req, requestPropertyName));
  const wait = resetTime instanceof Date ? resetTime.getTime() - Date.now() : windowMs;
  return Math.max(1, Math.ceil(wait / 1000));
}

/** A limit that is no number would let everybody through. */
function checkedLimit(path: string, limit: ClientLimit['limit']): ClientLimit['limit'] {
  if (typeof limit === 'number') return limit;
  return async (req, res) => {
    const most: unknown = await limit(req, res);
    return isWhole(most, 0, Number.MAX_SAFE_INTEGER)
      ? most
      : refuse(
          `${path}.limit`,
          'a function that returns a whole number; let a client through by `skip`',
          most,
        );
  };
}

/** A key that is not there would be one count for all who have none. */
function checkedKey(path: string, keyGenerator: NonNullable<ClientLimit['keyGenerator']>) {
  const checked = async (req: Request, res: Response): Promise<string> => {
    const key: unknown = await keyGenerator(req, res);
    if (typeof key === 'string' || typeof key === 'number' || typeof key === 'bigint') return String(key);
    return refuseHidden(`${path}.keyGenerator`, 'a function that returns a string', key);
  };
  // express-rate-limit looks into its text for an IPv6 address that is used as it is.
  return Object.assign(checked, { toString: () => keyGenerator.toString() });
}

/** `next(undefined)` goes on, as everywhere in Express. */
function goingOn(handler: RateLimitExceededEventHandler): RateLimitExceededEventHandler {
  return (req, res, next, options) =>
    handler(req, res, (error?: unknown) => (error ? next(error) : next()), options);
}
