/** What an ordinary site needs: security headers, the language of a request, pages, assets, and error pages. */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { transform } from 'esbuild';
import express, {
  type ErrorRequestHandler,
  type Express,
  type RequestHandler,
  type Response,
  type Router,
} from 'express';
import type { EmailVerificationOptions } from 'express-email-verification';
import helmet from 'helmet';
import texts from './texts.json';

type InOneLanguage<T> = T extends string[] ? string : { readonly [Name in keyof T]: InOneLanguage<T[Name]> };

export type Texts = InOneLanguage<typeof texts>;

/** texts.json has each text in English and in Korean. */
const inLanguage = (index: number): Texts =>
  JSON.parse(JSON.stringify(texts), (_name, text) => (Array.isArray(text) ? text[index] : text));

export const [en, ko] = [inLanguage(0), inLanguage(1)];

export const languages: readonly Texts[] = [en, ko];

/** The texts in the language of the request. */
export function textsOf(res: Response): Texts {
  const { t } = res.locals;
  return languages.find((texts) => texts === t) ?? en;
}

export function textsFor(tag: string | undefined): Texts {
  return languages.find((texts) => texts.tag === tag) ?? en;
}

/** The form of a code decides what keyboard a phone shows, and when a code is complete. */
interface SiteOptions {
  readonly origin: string;
  readonly emailVerification: Pick<EmailVerificationOptions, 'codeAlphabet' | 'codeLength'>;
}

/** Counts code points: a character such as 🦊 is two units in UTF-16 (NIST SP 800-63B-4 §3.1.1.2). */
export function isBetween(text: string, min: number, max: number): boolean {
  const { length } = [...text];
  return length >= min && length <= max;
}

/** A field of a form or of JSON. Anything but a string counts as empty. */
export function textOf(body: unknown, name: string): string {
  const { [name]: value }: Record<string, unknown> = Object(body);
  return typeof value === 'string' ? value : '';
}

export function setUpSite(app: Express, { origin, emailVerification }: SiteOptions): void {
  const { codeAlphabet, codeLength = 6 } = emailVerification;
  const letters = codeAlphabet === 'letters';
  const secure = origin.startsWith('https:');
  app.set('views', join(__dirname, 'views')).set('view engine', 'ejs');
  Object.assign(app.locals, { t: en, query: [], languages, readme: README_EXAMPLE, tools: false });
  app.locals['code'] = { letters, pattern: letters ? LETTER_CODE : digitCode(codeLength) };
  app.use(...securityHeaders(secure), refuseCrossSitePosts);
  app.use('/assets', assetsRouter());
  app.use(chooseLanguage(secure));
}

/** Browsers keep them, and ask each time whether they have changed. */
function assetsRouter(): Router {
  const compiled = new Map<string, Promise<string>>();
  const router = express.Router().use((_req, res, next) => {
    res.set('Cache-Control', 'no-cache');
    next();
  });
  router.get(['/client.mjs', '/proof.mjs'], async ({ path }, res) => {
    const compiling = compiled.get(path) ?? compileBrowserModule(path);
    compiled.set(path, compiling);
    const code = await compiling.catch((error: unknown) => {
      compiled.delete(path);
      throw error;
    });
    res.type('js').send(code);
  });
  router.use('/pico.css', express.static(require.resolve('@picocss/pico/css/pico.min.css')));
  router.use('/idiomorph.mjs', express.static(require.resolve('idiomorph/dist/idiomorph.esm.js')));
  return router.use(express.static(join(__dirname, 'assets')));
}

/** The package's browser client, and its module for proofs. An app with a bundler imports them; the demo has no build step. */
async function compileBrowserModule(path: string): Promise<string> {
  const source = await readFile(join(__dirname, '../../lib/client', path.replace('.mjs', '.ts')), 'utf8');
  return (await transform(source, { loader: 'ts' })).code;
}

/** As a code may be typed or pasted: digits of any script with spaces and dashes between them, or eight letters. */
const digitCode = (length: number) =>
  String.raw`(?<!\p{Nd})\p{Nd}(?:[\s\p{Pd}\p{Cf}\u2212]*\p{Nd}){${length - 1}}(?!\p{Nd})`;
const LETTER_CODE = String.raw`^\p{L}(?:[\s\p{Pd}]*\p{L}){7}$|\b[A-Z]{4}-[A-Z]{4}\b`;

/** The steps of the sign-up are one page: its script shows the step of the path. */
export const pages = express
  .Router()
  .get(['/sign-up', '/sign-up/code', '/sign-up/account'], (_req, res) => res.render('sign-up'));

const showNotFound: RequestHandler = (_req, res) =>
  res.status(404).render('message', { ...textsOf(res).notFound });

const showError: ErrorRequestHandler = (error, _req, res, next) => {
  if (res.headersSent) return next(error);
  // Body parsers set a status of 4xx for a request that they cannot read. Every other error is unexpected.
  const { status = 500 } = Object(error);
  if (status === 500) console.error(error);
  res.set('Cache-Control', 'no-store');
  res.status(status).render('message', { ...textsOf(res).unexpectedError });
};

export const errorPages = [showNotFound, showError] as const;

/** Allows no inline scripts, nothing from other origins, and no framing. */
const contentSecurityPolicy = (...styles: string[]) => ({
  useDefaults: false,
  directives: {
    ...{ defaultSrc: ["'none'"], baseUri: ["'none'"], frameAncestors: ["'none'"], formAction: ["'self'"] },
    ...{ scriptSrc: ["'self'"], connectSrc: ["'self'"], imgSrc: ["'self'", 'data:'] },
    styleSrc: ["'self'", ...styles],
  },
});

function securityHeaders(secure: boolean): RequestHandler[] {
  const headers = helmet({
    ...{ contentSecurityPolicy: contentSecurityPolicy(), strictTransportSecurity: secure },
    ...{ referrerPolicy: { policy: 'same-origin' }, frameguard: { action: 'deny' } },
    ...{ crossOriginOpenerPolicy: false, originAgentCluster: false },
  });
  // Browsers ignore these headers elsewhere, such as on http://192.168.0.7:3000, and complain in the console.
  const isolate: RequestHandler = ({ hostname }, res, next) => {
    const isTrusted = secure || /^(localhost|127\.[\d.]+|\[::1\])$/.test(hostname);
    if (isTrusted) res.set({ 'Cross-Origin-Opener-Policy': 'same-origin', 'Origin-Agent-Cluster': '?1' });
    next();
  };
  return [headers, isolate];
}

/** For pages with emails, because a frame inherits the policy of its page, and for Swagger UI. Both have inline styles. */
export const allowInlineStyles = helmet.contentSecurityPolicy(contentSecurityPolicy("'unsafe-inline'"));

/** Prevents forged sign-ins. Browsers send at least one of the two headers, so a client without them is not one. */
const refuseCrossSitePosts: RequestHandler = (req, res, next) => {
  const { 'sec-fetch-site': site, origin, host } = req.headers;
  const isSameOrigin = site
    ? site === 'same-origin' || site === 'none'
    : !origin || origin.endsWith(`//${host}`);
  if (req.method === 'GET' || req.method === 'HEAD' || isSameOrigin) return next();
  res.status(403).type('text').send('This request came from another site, so it was refused.');
};

/** The language chosen on a page, by `?lang=ko`, else the browser's preference, else English. */
function chooseLanguage(secure: boolean): RequestHandler {
  const tags: string[] = languages.map(({ tag }) => tag);
  return (req, res, next) => {
    const query = new URLSearchParams(req.url.split('?')[1]);
    const lang = query.get('lang') ?? '';
    query.delete('lang');
    if (req.method === 'GET' && tags.includes(lang)) {
      const maxAge = 365 * 24 * 3600 * 1000;
      res.cookie('language', lang, { httpOnly: true, sameSite: 'lax', secure, maxAge });
      // A path that starts with two slashes would redirect to another host.
      return res.redirect(303, `${req.path.replace(/^[/\\]+/, '/')}${query.size > 0 ? `?${query}` : ''}`);
    }
    // The links to the other languages keep it.
    res.locals['query'] = query;
    const [, chosen] = /(?:^|;\s*)language=(\w+)/.exec(req.headers.cookie ?? '') ?? [];
    res.locals['t'] = textsFor(chosen ?? (req.acceptsLanguages(tags) || undefined));
    // Pages contain email addresses and names, which no cache may store.
    res.set('Cache-Control', 'no-store').vary('Accept-Language, Cookie');
    next();
  };
}

/** The server of the quick start in the README, which the first page shows. */
const README_EXAMPLE = /```js\n([^`]*requireVerifiedEmail[^`]*)```/.exec(
  readFileSync(join(dirname(__dirname), '../README.md'), 'utf8'),
)?.[1];
