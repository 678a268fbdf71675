/** Limits the requests of each client, with express-rate-limit. */
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { type RateLimitExceededEventHandler, rateLimit } from 'express-rate-limit';
import { maskAddress } from '../../challenge/address.js';
import { isWhole, refuse, refuseHidden } from '../../checks.js';
import type { Locale } from '../../locales/index.js';
import type { ParsedSend } from '../../operations/input.js';
import type { Operations } from '../../operations/operations.js';
import type { ClientLimit } from '../../options/rate-limit.js';
import { localeOf } from '../read-request.js';
import {
  type OnRefused,
  type RefusalOptions,
  readRefusalOptions,
  type StepOutcome,
  type StepResponse,
  stateOf,
  step,
} from '../respond.js';
import { createProxyWarning, networkOf } from './client-address.js';
import { boundStore, ClientStoreError, createClientStore } from './rate-limit-store.js';

type Route = 'send' | 'verify';

/** The limits of both routes, created once: all routers of one verification and the app's own routes share them. */
export type ClientLimits = Readonly<Record<Route, (onRefused?: OnRefused) => RequestHandler>>;

/** A middleware, and a function that returns the same one with options. */
export interface ClientLimitHandler extends RequestHandler {
  (options: RefusalOptions): RequestHandler;
}

/** @throws TypeError that names the option, when it is called with invalid ones. */
export function createClientLimitHandler(clientLimits: ClientLimits): ClientLimitHandler {
  const middleware = clientLimits.send();
  function clientLimit(options: RefusalOptions): RequestHandler;
  function clientLimit(req: Request, res: Response, next: NextFunction): void;
  function clientLimit(...args: [RefusalOptions] | Parameters<RequestHandler>): RequestHandler | undefined {
    if (args.length === 1) return clientLimits.send(readRefusalOptions('clientLimit()', args[0]));
    middleware(...args);
    return undefined;
  }
  return clientLimit;
}

export function createClientLimits(operations: Operations): ClientLimits {
  return { send: createClientLimit(operations, 'send'), verify: createClientLimit(operations, 'verify') };
}

/** Without a limit, the middleware only calls `next`. */
function createClientLimit(operations: Operations, route: Route): (onRefused?: OnRefused) => RequestHandler {
  const { settings } = operations;
  const limit = settings.rateLimit[route];
  if (!limit) {
    return () =>
      function clientLimit(_req, _res, next) {
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
    validate: typeof validate === 'boolean' ? validate : { ...SKIPPED_CHECKS, ...validate },
    ...(handler && { message, retryAfter }),
    handler: reportLimit(
      operations,
      route,
      limit,
      handler ? withExpressNext(handler) : tooManyRequests(operations, path, limit),
    ),
  });

  async function clientLimit(req: Request, res: Response): Promise<StepOutcome> {
    warnOfProxy?.(req);
    try {
      await passed(limiter, req, res);
      return 'next';
    } catch (error) {
      if (error instanceof Limited) return error.response;
      if (!(error instanceof ClientStoreError)) throw error;
      return { outcome: operations.unavailable(route, error.cause, localeHere(operations, req, res)) };
    }
  }
  return (onRefused) => step(clientLimit, onRefused);
}

/** The router's first step has chosen the language. On the app's own routes, it depends on the request alone. */
function localeHere({ settings }: Operations, req: Request, res: Response): Locale {
  return stateOf(res)?.locale ?? localeOf(req, settings);
}

/**
 * Settles when the limiter calls next(), and never if it responds. The limiter lets a request through by calling next()
 * without an argument: next(undefined) passes on what a callback threw.
 */
function passed(limiter: RequestHandler, req: Request, res: Response): Promise<void> {
  return new Promise((resolve, reject) => {
    void limiter(req, res, (...thrown: unknown[]) => (thrown.length === 0 ? resolve() : reject(thrown[0])));
  });
}

/** Passed to the limiter's next(), so that the step responds, and not the limiter. */
class Limited {
  readonly response: StepResponse;

  constructor(response: StepResponse) {
    this.response = response;
  }
}

/** Checks that express-rate-limit need not make: their subject is checked at start, or harmless with a shared store. */
const SKIPPED_CHECKS = { limit: false, creationStack: false } as const;

/** Emits `limited`, whoever responds. */
function reportLimit(
  { events, settings: { purpose } }: Operations,
  operation: Route,
  limit: ClientLimit,
  handler: RateLimitExceededEventHandler,
): RateLimitExceededEventHandler {
  return (req, res, next, options) => {
    const input = stateOf<ParsedSend>(res)?.input;
    events.emit('limited', () => ({
      ...(input && { email: maskAddress(input.email) }),
      purpose,
      limit: 'client',
      operation,
      retryAfter: secondsUntilReset(limit, req),
    }));
    return handler(req, res, next, options);
  };
}

function tooManyRequests(operations: Operations, path: string, limit: ClientLimit) {
  const { message, statusCode } = limit;
  return async (req: Request, res: Response, next: NextFunction): Promise<void> => {
    const retryAfter = await retryAfterOf(path, limit, req, res);
    const input = stateOf<ParsedSend>(res)?.input;
    const outcome = await operations.limited(input, retryAfter, localeHere(operations, req, res));
    const text: unknown = typeof message === 'function' ? await message(req, res) : message;
    if (text !== undefined && typeof text !== 'string')
      refuse(`${path}.message`, 'a function that returns a string', text);
    next(
      new Limited({
        outcome: text === undefined ? outcome : { ...outcome, message: text },
        status: statusCode,
      }),
    );
  };
}

/** Whole seconds until this client may try again. Taken from the count, because the app may have turned the headers off. */
async function retryAfterOf(path: string, limit: ClientLimit, req: Request, res: Response): Promise<number> {
  const { retryAfter } = limit;
  const seconds: unknown = typeof retryAfter === 'function' ? await retryAfter(req, res) : retryAfter;
  if (seconds !== undefined) {
    return isWhole(seconds, 1, Number.MAX_SAFE_INTEGER)
      ? seconds
      : refuse(
          `${path}.retryAfter`,
          'a function that returns a whole number of seconds, at least 1',
          seconds,
        );
  }
  return secondsUntilReset(limit, req);
}

function secondsUntilReset({ requestPropertyName, windowMs }: ClientLimit, req: Request): number {
  const { resetTime }: { resetTime?: unknown } = Object(Reflect.get(req, requestPropertyName));
  const wait = resetTime instanceof Date ? resetTime.getTime() - Date.now() : windowMs;
  return Math.max(1, Math.ceil(wait / 1000));
}

/** A limit that is not a number would let every request through. */
function checkedLimit(path: string, limit: ClientLimit['limit']): ClientLimit['limit'] {
  if (typeof limit === 'number') return limit;
  return async (req, res) => {
    const value: unknown = await limit(req, res);
    return isWhole(value, 0, Number.MAX_SAFE_INTEGER)
      ? value
      : refuse(
          `${path}.limit`,
          'a function that returns a whole number; to let a client through, use `skip`',
          value,
        );
  };
}

/** All clients without a key would share one count. */
function checkedKey(path: string, keyGenerator: NonNullable<ClientLimit['keyGenerator']>) {
  const checked = async (req: Request, res: Response): Promise<string> => {
    const key: unknown = await keyGenerator(req, res);
    if (typeof key === 'string' || typeof key === 'number' || typeof key === 'bigint') return String(key);
    return refuseHidden(`${path}.keyGenerator`, 'a function that returns a string', key);
  };
  // express-rate-limit searches the source of the app's function for an IPv6 address used without its subnet.
  return Object.assign(checked, { toString: () => keyGenerator.toString() });
}

/** In the app's handler, next(undefined) goes on, as everywhere in Express. */
function withExpressNext(handler: RateLimitExceededEventHandler): RateLimitExceededEventHandler {
  return (req, res, next, options) =>
    handler(req, res, (error?: unknown) => (error ? next(error) : next()), options);
}
