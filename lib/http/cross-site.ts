/** Detects requests sent by a page of another site. Sending a code needs no cookie, so SameSite does not prevent them. */
import type { Request } from 'express';
import { mediaTypeOf } from './parse-body.js';

/** Media types that a page may post to another origin without a preflight (Fetch §2.2.2). '' means no Content-Type. */
const NEEDS_NO_PREFLIGHT: ReadonlySet<string> = new Set([
  '',
  'application/x-www-form-urlencoded',
  'multipart/form-data',
  'text/plain',
]);

const SAME_SITE: ReadonlySet<string> = new Set(['same-origin', 'same-site', 'none']);

/**
 * Checks Sec-Fetch-Site (W3C Fetch Metadata §2.3), or else Origin (RFC 6454 §7), the only one of the two that older
 * browsers and pages over plain HTTP send. A client that sends neither is not a browser. Other media types, such as JSON,
 * need a preflight, so the app's CORS headers decide.
 *
 * @param pageOrigin The `origin` option: the origin of the app's page.
 */
export function isCrossSite(req: Request, pageOrigin: string | undefined): boolean {
  const { 'content-type': type, 'sec-fetch-site': site, origin } = req.headers;
  if (type === 'application/json') return false;
  const [firstType] = mediaTypeOf(type).split(',', 1);
  if (!NEEDS_NO_PREFLIGHT.has(firstType?.trim() ?? '')) return false;
  if (site) return !SAME_SITE.has(String(site));
  return origin !== undefined && origin !== pageOrigin && !matchesHost(origin, hostOf(req));
}

/** Ignores the scheme, because a proxy may have terminated TLS. `null`, a page without an origin, never matches. */
function matchesHost(origin: string, host: string | undefined): boolean {
  if (host === undefined || !URL.canParse(origin)) return false;
  const page = new URL(origin);
  const expected = `${page.protocol}//${host}`;
  return URL.canParse(expected) && new URL(expected).host === page.host;
}

/** The host as the client sent it. A proxy that the app trusts passes it on in X-Forwarded-Host. */
function hostOf(req: Request): string | undefined {
  const trusts: unknown = req.app.get('trust proxy fn');
  const forwarded = req.get('x-forwarded-host');
  if (forwarded && typeof trusts === 'function' && trusts(req.socket.remoteAddress, 0)) {
    return forwarded.split(',', 1)[0]?.trim();
  }
  const { host, ':authority': authority } = req.headers;
  return host ?? authority?.toString();
}
