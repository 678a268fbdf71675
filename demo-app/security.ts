/** Protection for all pages: security headers, and a check for cross-site requests. */
import type { RequestHandler } from 'express';

/** Allows no inline scripts, no content from other origins, and no framing (OWASP HTTP Headers Cheat Sheet). */
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

function contentSecurityPolicy(overrides: Readonly<Record<string, string>> = {}): string {
  const directives = {
    'default-src': "'none'",
    'script-src': "'self'",
    'style-src': "'self'",
    'img-src': "'self'",
    'connect-src': "'self'",
    'form-action': "'self'",
    'frame-ancestors': "'none'",
    'base-uri': "'none'",
    ...overrides,
  };
  return Object.entries(directives)
    .map(([name, sources]) => `${name} ${sources}`)
    .join('; ');
}

/** For pages with emails, because a frame inherits the policy of its page, and for Swagger UI: both have inline styles. */
export const allowInlineStyles: RequestHandler = (_req, res, next) => {
  const overrides = { 'style-src': "'self' 'unsafe-inline'", 'img-src': "'self' data:" };
  res.set('Content-Security-Policy', contentSecurityPolicy(overrides));
  next();
};

/**
 * Protects against cross-site request forgery. Browsers state where a request comes from in Sec-Fetch-Site, older
 * ones in Origin. A client that sends neither is not a browser. In addition, SameSite keeps cookies out of
 * cross-site requests.
 */
export const refuseCrossSitePosts: RequestHandler = (req, res, next) => {
  if (req.method === 'GET' || req.method === 'HEAD') return next();
  const site = req.headers['sec-fetch-site'];
  const { origin, host } = req.headers;
  const isSameOrigin =
    site !== undefined
      ? site === 'same-origin' || site === 'none'
      : origin === undefined || hostOf(origin) === host;
  if (isSameOrigin) return next();
  res.status(403).type('text').send('This form was submitted from another site, so it was refused.');
};

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}
