/** How many requests one client IP may make: express-rate-limit, counting in our store under digests of the IP. */
import { isIP } from 'node:net';
import type { Request, RequestHandler, Response } from 'express';
import {
  type ClientRateLimitInfo,
  ipKeyGenerator,
  type Options as RateLimitOptions,
  type Store as RateLimitStore,
  rateLimit,
} from 'express-rate-limit';
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
    identifier: `${route}-by-client`,
    ...options,
    keyGenerator: options.keyGenerator ?? networkOf(options.ipv6Subnet),
    store: options.store ?? new ClientStore(core, route),
    validate: {
      // Ours warns at the first request that shows it, not at the first request.
      xForwardedForHeader: false,
      // Ours heeds it.
      ipv6SubnetOrKeyGenerator: options.keyGenerator !== undefined,
      ...(typeof options.validate === 'object' && options.validate),
    },
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

/** Who counts as one client: an IPv4 address, or the network of an IPv6 one, as express-rate-limit has it. */
function networkOf(ipv6Subnet: RateLimitOptions['ipv6Subnet'] | undefined) {
  return async (req: Request, res: Response): Promise<string> => {
    const subnet = typeof ipv6Subnet === 'function' ? await ipv6Subnet(req, res) : ipv6Subnet;
    return ipKeyGenerator(withoutPort(req.ip ?? ''), subnet);
  };
}

/** Some proxies write the port of the connection too, and each connection would be a client of its own. */
function withoutPort(address: string): string {
  const [, v4, v6] = /^(?:([\d.]+)|\[(.+)\])(?::\d+)?$/.exec(address) ?? [];
  const bare = v4 ?? v6;
  return bare !== undefined && isIP(bare) ? bare : address;
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

/** Behind a proxy that Express does not trust, all clients are one; where it trusts all, each is whom it likes. Said once. */
function createProxyNote(): (req: Request) => void {
  let noted = false;
  return (req) => {
    if (noted || req.headers['x-forwarded-for'] === undefined) return;
    const trust: unknown = req.app.get('trust proxy');
    if (trust && trust !== true) return;
    noted = true;
    warn(trust ? TRUSTS_ALL : TRUSTS_NONE);
  };
}

const TRUSTS_NONE =
  "A request came with X-Forwarded-For while Express' 'trust proxy' setting is off: all clients behind the proxy " +
  "share one limit. Set it to your proxy, as app.set('trust proxy', 1).";

const TRUSTS_ALL =
  "A request came with X-Forwarded-For while Express' 'trust proxy' setting is true: a client can name any address " +
  "there, and so escapes its limit. Set it to your proxy, as app.set('trust proxy', 1).";
