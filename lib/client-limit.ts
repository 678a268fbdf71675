/** How many requests one client IP may make: express-rate-limit, counting in our store under digests of the IP. */
import type { Request, RequestHandler, Response } from 'express';
import { type ClientRateLimitInfo, type Store as RateLimitStore, rateLimit } from 'express-rate-limit';
import type { Core } from './core.js';
import { warn } from './events.js';
import { localeOf } from './language.js';
import { answer, type Flag } from './problem.js';
import { judgedSend } from './read-request.js';

/** The limit of one route; a middleware that only goes on when the option is `false`. */
export function createClientLimit(core: Core, route: 'send' | 'verify'): RequestHandler {
  const options = core.settings.rateLimit[route];
  const flag: Flag = route === 'send' ? 'ok' : 'verify';
  const noteProxy = createProxyNote();
  if (!options) {
    return function clientLimit(req, _res, next) {
      noteProxy(req);
      next();
    };
  }

  const limiter = rateLimit({
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    identifier: `${route}-by-client`,
    ...options,
    store: options.store ?? new ClientStore(core, route),
    // Ours warns at the first request that shows it, not at the first request.
    validate: { xForwardedForHeader: false, ...(typeof options.validate === 'object' && options.validate) },
    handler: options.handler ?? tooManyRequests(core, flag),
  });
  return function clientLimit(req, res, next) {
    noteProxy(req);
    limiter(req, res, (error?: unknown) => {
      if (error === undefined) return next();
      if (!(error instanceof ClientStoreTrouble)) return next(error);
      answer(res, flag, core.unavailable(route, error.cause, localeOf(req, core)));
    });
  };
}

function tooManyRequests(core: Core, flag: Flag) {
  return async (req: Request, res: Response): Promise<void> => {
    const retryAfter = Math.max(1, Number(res.getHeader('Retry-After')) || 1);
    answer(res, flag, await core.limited(judgedSend(req), retryAfter, localeOf(req, core)));
  };
}

/** What express-rate-limit counts in: one round trip on the store's own runner, deadline and all. */
class ClientStore implements RateLimitStore {
  readonly #core: Core;
  readonly #route: string;
  #window = 0;

  constructor(core: Core, route: string) {
    this.#core = core;
    this.#route = route;
  }

  init({ windowMs }: { windowMs: number }): void {
    this.#window = windowMs;
  }

  increment(key: string): Promise<ClientRateLimitInfo> {
    return this.#count(key, 'hit');
  }

  async decrement(key: string): Promise<void> {
    await this.#count(key, 'undo');
  }

  async resetKey(key: string): Promise<void> {
    await this.#count(key, 'forget');
  }

  async #count(key: string, step: 'hit' | 'undo' | 'forget'): Promise<ClientRateLimitInfo> {
    const { settings } = this.#core;
    const client = settings.secrets[0].network(`${this.#route}\0${key}`);
    try {
      const { hits, resetsIn } = await settings.store.count(
        { client, window: this.#window, step },
        settings.storeTimeout,
      );
      return { totalHits: hits, resetTime: new Date(Date.now() + resetsIn) };
    } catch (cause) {
      throw new ClientStoreTrouble('the client limit could not be counted', { cause });
    }
  }
}

class ClientStoreTrouble extends Error {}

/** Behind a proxy that Express does not trust, all clients are one; said once. */
function createProxyNote(): (req: Request) => void {
  let noted = false;
  return (req) => {
    if (noted || req.headers['x-forwarded-for'] === undefined || req.app.get('trust proxy')) return;
    noted = true;
    warn(
      "A request came with X-Forwarded-For while Express' 'trust proxy' setting is off: all clients behind the proxy " +
        "share one limit. Set it to your proxy, as app.set('trust proxy', 1).",
    );
  };
}
