/** Whether a page elsewhere made the browser send a request, unasked: it needs no cookie to mail codes. */
import type { Request } from 'express';
import { mediaTypeOf } from './parse-body.js';

/** What a page may post to another origin without asking it first (Fetch §2.2.2); '' is no type at all. */
const NEEDS_NO_PREFLIGHT: ReadonlySet<string> = new Set([
  '',
  'application/x-www-form-urlencoded',
  'multipart/form-data',
  'text/plain',
]);

const OURS: ReadonlySet<string> = new Set(['same-origin', 'same-site', 'none']);

/**
 * Told by Sec-Fetch-Site (W3C Fetch Metadata §2.3), else by Origin (RFC 6454 §7), which older browsers and pages
 * over plain HTTP send alone; what sends neither is no browser. All else, as JSON, a page elsewhere sends only
 * when the app's CORS headers let it.
 *
 * @param pageOrigin Where the app's page is, if it said so.
 */
export function isFromElsewhere(req: Request, pageOrigin: string | undefined): boolean {
  const { 'content-type': type, 'sec-fetch-site': site, origin } = req.headers;
  const [firstType] = mediaTypeOf(type).split(',', 1);
  if (!NEEDS_NO_PREFLIGHT.has(firstType?.trim() ?? '')) return false;
  if (site) return !OURS.has(String(site));
  return origin !== undefined && origin !== pageOrigin && !isOfHost(origin, hostOf(req));
}

/** By host and port, and not by scheme: a proxy may have ended the TLS. `null`, a page without origin, is no host's. */
function isOfHost(origin: string, host: string | undefined): boolean {
  if (host === undefined || !URL.canParse(origin)) return false;
  const page = new URL(origin);
  const ours = `${page.protocol}//${host}`;
  return URL.canParse(ours) && new URL(ours).host === page.host;
}

/** As the client wrote it: a proxy that the app trusts has it in X-Forwarded-Host. */
function hostOf(req: Request): string | undefined {
  const trusts: unknown = req.app.get('trust proxy fn');
  const forwarded = req.get('x-forwarded-host');
  if (forwarded && typeof trusts === 'function' && trusts(req.socket.remoteAddress, 0)) {
    return forwarded.split(',', 1)[0]?.trim();
  }
  const { host, ':authority': authority } = req.headers;
  return host ?? authority?.toString();
}
