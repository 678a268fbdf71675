/** What every request and every answer goes through before any page: who may post here, and what a page may do. */
import type { RequestHandler } from 'express';

/** No inline script, nothing from elsewhere, no frame around us (OWASP HTTP Headers Cheat Sheet). */
export function securityHeaders({ secure }: { secure: boolean }): RequestHandler {
  return function securityHeaders(_req, res, next) {
    res.set({
      'Content-Security-Policy': contentSecurityPolicy(),
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Cross-Origin-Resource-Policy': 'same-origin',
      'Permissions-Policy': 'camera=(), geolocation=(), microphone=()',
      'Referrer-Policy': 'same-origin',
      'X-Content-Type-Options': 'nosniff',
      'X-Frame-Options': 'DENY',
      ...(secure && { 'Strict-Transport-Security': 'max-age=31536000' }),
    });
    next();
  };
}

function contentSecurityPolicy(more: Readonly<Record<string, string>> = {}): string {
  const rules = {
    'default-src': "'none'",
    'script-src': "'self'",
    'style-src': "'self'",
    'img-src': "'self'",
    'connect-src': "'self'",
    'form-action': "'self'",
    'frame-ancestors': "'none'",
    'base-uri': "'none'",
    ...more,
  };
  return Object.entries(rules)
    .map(([name, sources]) => `${name} ${sources}`)
    .join('; ');
}

/** A mail in a frame inherits the rules of its page, and mails have their styles inline. */
export const allowMailFrames: RequestHandler = (_req, res, next) => {
  const rules = { 'style-src': "'self' 'unsafe-inline'", 'img-src': "'self' data:" };
  res.set('Content-Security-Policy', contentSecurityPolicy(rules));
  next();
};

/**
 * A page elsewhere can make a browser post here. Browsers say where a post comes from: by Sec-Fetch-Site, older
 * ones by Origin. What says neither is no browser, and SameSite keeps the cookies from all else.
 */
export const refuseCrossSitePosts: RequestHandler = (req, res, next) => {
  if (req.method === 'GET' || req.method === 'HEAD') return next();
  const site = req.headers['sec-fetch-site'];
  const { origin, host } = req.headers;
  const ours =
    site !== undefined
      ? site === 'same-origin' || site === 'none'
      : origin === undefined || hostOf(origin) === host;
  if (ours) return next();
  res.status(403).type('text').send('This form was sent from another site, and was refused.');
};

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}
