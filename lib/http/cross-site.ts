/** Whether a page of another site made the browser send a request. Sending a code needs no cookie, so SameSite does not help. */
import type { Request } from 'express';
import { mediaTypeOf } from './parse-body.js';

/** What a page may post to another origin without a preflight (Fetch §2.2.2). '' stands for no type at all. */
const NEEDS_NO_PREFLIGHT: ReadonlySet<string> = new Set([
  '',
  'application/x-www-form-urlencoded',
  'multipart/form-data',
  'text/plain',
]);

const OURS: ReadonlySet<string> = new Set(['same-origin', 'same-site', 'none']);

/**
 * Decided by Sec-Fetch-Site (W3C Fetch Metadata §2.3), else by Origin (RFC 6454 §7), which is all that older browsers and
 * pages over plain HTTP send. What sends neither is not a browser. Other types, such as JSON, need a preflight, so the
 * app's CORS headers decide on them.
 *
 * @param pageOrigin The `origin` option: where the app's page is.
 */
export function isCrossSite(req: Request, pageOrigin: string | undefined): boolean {
  const { 'content-type': type, 'sec-fetch-site': site, origin } = req.headers;
  if (type === 'application/json') return false;
  const [firstType] = mediaTypeOf(type).split(',', 1);
  if (!NEEDS_NO_PREFLIGHT.has(firstType?.trim() ?? '')) return false;
  if (site) return !OURS.has(String(site));
  return origin !== undefined && origin !== pageOrigin && !isOfHost(origin, hostOf(req));
}

/** Compares host and port but not the scheme, since a proxy may have ended TLS. `null`, a page without an origin, never fits. */
function isOfHost(origin: string, host: string | undefined): boolean {
  if (host === undefined || !URL.canParse(origin)) return false;
  const page = new URL(origin);
  const ours = `${page.protocol}//${host}`;
  return URL.canParse(ours) && new URL(ours).host === page.host;
}

/** The host as the client wrote it. A proxy that the app trusts passes it on in X-Forwarded-Host. */
function hostOf(req: Request): string | undefined {
  const trusts: unknown = req.app.get('trust proxy fn');
  const forwarded = req.get('x-forwarded-host');
  if (forwarded && typeof trusts === 'function' && trusts(req.socket.remoteAddress, 0)) {
    return forwarded.split(',', 1)[0]?.trim();
  }
  const { host, ':authority': authority } = req.headers;
  return host ?? authority?.toString();
}
