/** What counts as one client: its IP as Express sees it. Warns when Express cannot tell clients apart. */
import { isIP } from 'node:net';
import type { Request, Response } from 'express';
import { type EnabledValidations, ipKeyGenerator } from 'express-rate-limit';
import { refuse } from '../../checks.js';
import { warn } from '../../events.js';
import { type ClientLimit, isSubnet } from '../../options/rate-limit.js';

/** An IPv4 address, or the network of an IPv6 address, as express-rate-limit counts it. */
export function networkOf(path: string, ipv6Subnet: ClientLimit['ipv6Subnet']) {
  return async (req: Request, res: Response): Promise<string> => {
    const subnet: unknown = typeof ipv6Subnet === 'function' ? await ipv6Subnet(req, res) : ipv6Subnet;
    if (subnet !== undefined && !isSubnet(subnet))
      refuse(`${path}.ipv6Subnet`, 'a function that returns a whole number from 32 to 64, or false', subnet);
    return ipKeyGenerator(withoutPort(req.ip ?? ''), subnet);
  };
}

/** Some proxies append the port of the connection. With the port, each connection would count as a separate client. */
function withoutPort(address: string): string {
  const [, v4, v6] = /^(?:([\d.]+)|\[(.+)\])(?::\d+)?$/.exec(address) ?? [];
  const bare = v4 ?? v6;
  return bare !== undefined && isIP(bare) ? bare : address;
}

/** The apps for which a warning was emitted. The setting belongs to the app, however many limits the app has. */
const warned = new WeakSet<object>();

/**
 * Warns once for each app whose 'trust proxy' setting keeps Express from telling clients apart. `validate` turns this
 * warning off, as it does the checks of express-rate-limit.
 */
export function createProxyWarning(validate: ClientLimit['validate']): (req: Request) => void {
  const checks: EnabledValidations = typeof validate === 'object' ? validate : { default: validate };
  return function warnOfProxy(req) {
    const { app } = req;
    if (!app || warned.has(app)) return;
    const fault = faultOf(req);
    if (!fault || !(checks[fault.check] ?? checks.default ?? true)) return;
    warned.add(app);
    warn(fault.sentence);
  };
}

interface Fault {
  readonly check: keyof EnabledValidations;
  readonly sentence: string;
}

function faultOf({ app, headers, ip, socket }: Request): Fault | undefined {
  const peer: string | undefined = socket.remoteAddress;
  // A client that has hung up no longer has an address.
  if (!ip && !peer) return socket.destroyed ? undefined : NO_ADDRESS;
  if (headers['x-forwarded-for'] === undefined) {
    const unreadHeader = UNREAD_HEADERS.find((name) => headers[name.toLowerCase()] !== undefined);
    return unreadHeader && ip === peer ? unread(unreadHeader) : undefined;
  }
  const trusts: unknown = app.get('trust proxy fn');
  if (typeof trusts !== 'function') return undefined;
  if (!trusts(peer, 0)) return app.get('trust proxy') ? TRUSTS_ANOTHER : TRUSTS_NONE;
  return trusts(DOCUMENTATION_ADDRESS, FARTHEST_HOP) ? TRUSTS_ALL : undefined;
}

/** A documentation address (RFC 5737), many proxies away: only a setting that trusts every address trusts it. */
const DOCUMENTATION_ADDRESS = '192.0.2.1';
const FARTHEST_HOP = 255;

/** Headers in which proxies pass on a client's IP, but which Express does not read. */
const UNREAD_HEADERS = [
  'Forwarded',
  'X-Real-IP',
  'X-Client-IP',
  'CF-Connecting-IP',
  'True-Client-IP',
  'Fastly-Client-IP',
  'Fly-Client-IP',
  'X-Azure-ClientIP',
  'X-AppEngine-User-IP',
] as const;

const NO_ADDRESS: Fault = {
  check: 'ip',
  sentence:
    'Express sees no client addresses, as when it listens on a unix socket: all clients share one limit. ' +
    "Let the proxy send X-Forwarded-For, and set Express' 'trust proxy' setting, as in app.set('trust proxy', 1).",
};

const TRUSTS_NONE: Fault = {
  check: 'xForwardedForHeader',
  sentence:
    "A request came with X-Forwarded-For while Express' 'trust proxy' setting is off: all clients behind the proxy " +
    "share one limit. Set it to your proxy, as in app.set('trust proxy', 1).",
};

const TRUSTS_ANOTHER: Fault = {
  check: 'xForwardedForHeader',
  sentence:
    "A request came with X-Forwarded-For from an address that Express' 'trust proxy' setting does not trust: all " +
    'clients behind that proxy share one limit. Set it to the address your proxy connects from, which in a ' +
    "container is not loopback, or to the number of proxies, as in app.set('trust proxy', 1).",
};

const TRUSTS_ALL: Fault = {
  check: 'trustProxy',
  sentence:
    "A request came with X-Forwarded-For while Express' 'trust proxy' setting trusts every address: a client can put any " +
    "address into that header, and so evade its limit. Set it to your proxy, as in app.set('trust proxy', 1).",
};

function unread(header: string): Fault {
  return {
    check: 'forwardedHeader',
    sentence:
      `A request came with ${header}, which Express does not read, and without X-Forwarded-For. If your proxy sends it, all ` +
      "clients share one limit: let it send X-Forwarded-For, and set Express' 'trust proxy' setting to your proxy, " +
      "as in app.set('trust proxy', 1); or pass a `keyGenerator` in `rateLimit`.",
  };
}
