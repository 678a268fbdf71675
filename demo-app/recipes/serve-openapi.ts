/** Serves the OpenAPI document of the routes, and a page to read it and try the routes, without a CDN. */

import express, { type Router } from 'express';
import { openapi } from 'express-email-verification';
import { serveFiles, setup } from 'swagger-ui-express';

/**
 * Mount it with app.use('/api', serveOpenApi()). Its styles are inline, so a Content-Security-Policy needs `style-src 'self'
 * 'unsafe-inline'` and `img-src 'self' data:` there.
 *
 * @param url where emailVerificationRouter() is mounted.
 */
export function serveOpenApi(url = '/email-verification'): Router {
  const document = { ...openapi, servers: [{ url }] };
  return express
    .Router()
    .get('/openapi.json', (_req, res) => void res.json(document))
    .use(serveFiles(document))
    .get('/', setup(document));
}
