/** Styles and scripts: browsers keep them, and ask each time whether they have changed. */
import { transform } from 'esbuild';
import express, { type Express } from 'express';
import request from 'supertest';
import { errorPages, setUpSite } from '../../demo-app/site/site.js';

// The real one, whose next call can be made to fail.
jest.mock('esbuild', () => ({ transform: jest.fn(jest.requireActual('esbuild').transform) }));

const ASSETS = ['style.css', 'pico.css', 'page.mjs', 'idiomorph.mjs', 'client.mjs'];

function site(): Express {
  const app = express();
  setUpSite(app, { origin: 'http://localhost:3000', emailVerification: {} });
  return app.use(...errorPages);
}

const get = (app: Express, name: string) => request(app).get(`/assets/${name}`);

describe('an asset', () => {
  it('is not sent again while it is the same, and is the same for everyone', async () => {
    const app = site();
    for (const name of ASSETS) {
      const { headers } = await get(app, name).expect(200).expect('Cache-Control', 'no-cache');
      expect(headers).not.toHaveProperty('vary');
      await get(app, name).set('If-None-Match', String(headers['etag'])).expect(304);
    }
  });

  it('that does not exist is 404, and no cache keeps that', async () => {
    const app = site();
    for (const name of ['nothing.css', '%zz', '..%2fsite.ts'])
      await get(app, name).expect(404).expect('Cache-Control', 'no-store');
  });
});

describe('the browser client', () => {
  it('is compiled once for all requests, and again after a failure', async () => {
    const app = site();
    const compiled = jest.mocked(transform).mockClear();
    compiled.mockRejectedValueOnce(Object.assign(new Error('On purpose'), { status: 503 }));
    const failed = await get(app, 'client.mjs').expect(503).expect('Cache-Control', 'no-store');
    expect(failed.text).toContain('Something went wrong');
    for (const { text } of await Promise.all([1, 2, 3].map(() => get(app, 'client.mjs').expect(200))))
      expect(text).toContain('export function createEmailVerificationClient(options)');
    expect(compiled).toHaveBeenCalledTimes(2);
  });
});
