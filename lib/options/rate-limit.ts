/** The `rateLimit` option: the checks and defaults of express-rate-limit's options. */
import { IncomingMessage } from 'node:http';
import type { Request, Response } from 'express';
import type {
  EnabledValidations,
  LegacyStore,
  Options as RateLimitOptions,
  Store as RateLimitStore,
} from 'express-rate-limit';
import { isOptions, isWhole, readOptions, refuse, refuseHidden } from '../checks.js';

/**
 * The options of express-rate-limit, or `false` for no limit. `message` becomes the `message` of the 429 response, and a
 * `handler` writes its own response. By default, `send` allows 20 requests in 10 minutes; `verify`, if it is set, allows 5
 * in a minute.
 */
export type ClientLimitOption = ClientLimitOptions | false;

type OwnOptions = {
  readonly [Name in Exclude<keyof RateLimitOptions, 'message'>]?: RateLimitOptions[Name] | undefined;
};

interface ClientLimitOptions extends OwnOptions {
  readonly message?: string | ((req: Request, res: Response) => string | Promise<string>) | undefined;
}

/** The limit of each route, or `false` for neither. */
export type RateLimitOption =
  | { readonly send?: ClientLimitOption | undefined; readonly verify?: ClientLimitOption | undefined }
  | false;

/** The limits of both routes, with defaults. */
export interface ClientLimitSettings {
  readonly send: ClientLimit | false;
  readonly verify: ClientLimit | false;
}

type Resolved =
  | 'windowMs'
  | 'limit'
  | 'standardHeaders'
  | 'legacyHeaders'
  | 'statusCode'
  | 'requestPropertyName';

/** One limit. An option with an old and a new name is here under the new one. */
export type ClientLimit = Omit<ClientLimitOptions, Resolved | 'max' | 'headers'> &
  Readonly<Pick<RateLimitOptions, Resolved>>;

const DEFAULTS = { send: { windowMs: 600_000, limit: 20 }, verify: { windowMs: 60_000, limit: 5 } } as const;

export function checkRateLimit(option: RateLimitOption = {}): ClientLimitSettings {
  if (option === false) return { send: false, verify: false };
  if (!isOptions(option)) return refuse('rateLimit', '{ send, verify } or false', option);
  const { send = {}, verify = false } = readOptions(option, DEFAULTS, { path: 'rateLimit' });
  const limits = { send: checkLimit('send', send), verify: checkLimit('verify', verify) };
  if (limits.send && limits.verify && limits.send.store && limits.send.store === limits.verify.store) {
    throw new TypeError(
      'The `rateLimit.verify.store` option must be a different store from that of `rateLimit.send`: in one store, both would count on the same keys.',
    );
  }
  return limits;
}

function checkLimit(route: 'send' | 'verify', option: ClientLimitOption): ClientLimit | false {
  if (option === false) return false;
  const path = `rateLimit.${route}`;
  if (!isOptions(option)) return refuse(path, "an object of express-rate-limit's options, or false", option);
  const options = readOptions(option, RULES, { path });
  for (const [name, { expected, fits, hidden }] of Object.entries(RULES)) {
    const value: unknown = Reflect.get(options, name);
    if (value === undefined || fits(value)) continue;
    (hidden ? refuseHidden : refuse)(`${path}.${name}`, expected, value);
  }
  const { max, limit, headers, legacyHeaders, ...rest } = options;
  if (options.validate !== undefined) checkValidate(`${path}.validate`, options.validate);
  if (options.keyGenerator !== undefined && options.ipv6Subnet !== undefined) {
    throw new TypeError(
      `The \`${path}.ipv6Subnet\` option has no effect beside \`keyGenerator\`: pass one of them.`,
    );
  }
  return {
    statusCode: 429,
    requestPropertyName: 'rateLimit',
    standardHeaders: 'draft-8',
    windowMs: DEFAULTS[route].windowMs,
    ...rest,
    limit: oneOf(path, { limit, max }) ?? DEFAULTS[route].limit,
    legacyHeaders: oneOf(path, { legacyHeaders, headers }) ?? false,
  };
}

/** The value of an option that also has an old name. */
function oneOf<T>(path: string, values: Readonly<Record<string, T | undefined>>): T | undefined {
  const [current, old] = Object.values(values);
  if (current !== undefined && old !== undefined && current !== old) {
    const [name, oldName] = Object.keys(values);
    throw new TypeError(
      `The \`${path}.${oldName}\` option is the old name of \`${name}\`: pass one of them.`,
    );
  }
  return current ?? old;
}

interface Rule {
  readonly expected: string;
  readonly fits: (value: unknown) => boolean;
  /** Whether the value may hold a secret, such as the URL of a database. */
  readonly hidden?: true;
}

const isFunction = (value: unknown) => typeof value === 'function';
const isBoolean = (value: unknown) => typeof value === 'boolean';

/** The longest delay of a timer. express-rate-limit's own store sets one for each window. */
const LONGEST_WINDOW = 2 ** 31 - 1;

const limit: Rule = {
  expected:
    'a whole number, at least 1, or a function that returns one; for no limit pass false in place of these options',
  fits: (value) => isFunction(value) || isWhole(value, 1, Number.MAX_SAFE_INTEGER),
};
const flag: Rule = { expected: 'true or false', fits: isBoolean };
const callback: Rule = { expected: 'a function', fits: isFunction };

const RULES: { readonly [Name in keyof ClientLimitOptions]-?: Rule } = {
  windowMs: {
    expected: `a whole number of milliseconds from 1 to ${LONGEST_WINDOW}`,
    fits: (value) => isWhole(value, 1, LONGEST_WINDOW),
  },
  limit,
  max: limit,
  message: {
    expected: 'a string, or a function that returns one; for a body of your own pass `handler`',
    fits: (value) => typeof value === 'string' || isFunction(value),
  },
  statusCode: { expected: 'a whole number from 400 to 599', fits: (value) => isWhole(value, 400, 599) },
  standardHeaders: {
    expected: "true, false, 'draft-6', 'draft-7' or 'draft-8'",
    fits: (value) => isBoolean(value) || value === 'draft-6' || value === 'draft-7' || value === 'draft-8',
  },
  legacyHeaders: flag,
  headers: flag,
  identifier: {
    // It is quoted in a header without escaping (RFC 9651 §3.3.3).
    expected: 'a string of printable ASCII without " and \\, or a function that returns one',
    fits: (value) => isFunction(value) || (typeof value === 'string' && /^[ !#-[\]-~]+$/.test(value)),
  },
  retryAfter: {
    expected: 'a whole number of seconds, at least 1, or a function that returns one',
    fits: (value) => isFunction(value) || isWhole(value, 1, Number.MAX_SAFE_INTEGER),
  },
  requestPropertyName: {
    expected: 'a non-empty string that is not already a property of every request',
    fits: (value) => typeof value === 'string' && value !== '' && !(value in IncomingMessage.prototype),
  },
  skipFailedRequests: flag,
  skipSuccessfulRequests: flag,
  keyGenerator: callback,
  ipv6Subnet: {
    expected: 'a whole number from 32 to 64, false, or a function that returns one',
    fits: (value) => isFunction(value) || isSubnet(value),
  },
  handler: callback,
  skip: callback,
  requestWasSuccessful: callback,
  store: {
    expected: 'a store of express-rate-limit, made for this limit alone',
    fits: isStore,
    hidden: true,
  },
  validate: {
    expected: 'true, false or an object of them',
    fits: (value) => isBoolean(value) || isOptions(value),
  },
  passOnStoreError: flag,
  logger: {
    expected: 'an object with the functions `error` and `warn`',
    fits: (value) => hasMethods(value, ['error', 'warn']),
    hidden: true,
  },
};

export function isSubnet(value: unknown): value is number | false {
  return value === false || isWhole(value, 32, 64);
}

function isStore(value: unknown): value is RateLimitStore | LegacyStore {
  return (
    hasMethods(value, ['decrement', 'resetKey']) &&
    (hasMethods(value, ['increment']) || hasMethods(value, ['incr']))
  );
}

function hasMethods(value: unknown, names: readonly string[]): boolean {
  return (
    typeof value === 'object' && value !== null && names.every((name) => isFunction(Reflect.get(value, name)))
  );
}

function checkValidate(path: string, validate: boolean | EnabledValidations): void {
  if (typeof validate === 'boolean') return;
  const read = readOptions(validate, VALIDATIONS, { path });
  for (const [name, value] of Object.entries(read))
    if (!isBoolean(value)) refuse(`${path}.${name}`, 'true or false', value);
}

const VALIDATIONS: { readonly [Name in keyof EnabledValidations]-?: true } = {
  default: true,
  ip: true,
  trustProxy: true,
  xForwardedForHeader: true,
  forwardedHeader: true,
  positiveHits: true,
  unsharedStore: true,
  singleCount: true,
  limit: true,
  draftPolliHeaders: true,
  onLimitReached: true,
  headersDraftVersion: true,
  headersResetTime: true,
  knownOptions: true,
  validationsConfig: true,
  creationStack: true,
  ipv6Subnet: true,
  ipv6SubnetOrKeyGenerator: true,
  keyGeneratorIpFallback: true,
  windowMs: true,
};
