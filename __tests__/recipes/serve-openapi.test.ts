import express from 'express';
import { openapi } from 'express-email-verification';
import request from 'supertest';
import { serveOpenApi } from '../../demo-app/recipes/serve-openapi.js';

const site = request(express().use('/api', serveOpenApi('/auth/email')));

it('serves the document, with the path on which the router is mounted', async () => {
  const { body } = await site.get('/api/openapi.json').expect(200).expect('Content-Type', /json/);
  expect(body).toEqual({ ...openapi, servers: [{ url: '/auth/email' }] });
});

it('serves pages that load nothing from another site', async () => {
  await site.get('/api').expect(301).expect('Location', '/api/');
  const { text } = await site.get('/api/').expect(200).expect('Content-Type', /html/);
  const sources = Array.from(
    text.matchAll(/<(?:script|link)[^>]* (?:src|href)="([^"]+)"/g),
    ([, path]) => path,
  );
  expect(sources).toEqual(expect.arrayContaining(['./swagger-ui.css', './swagger-ui-bundle.js']));
  for (const source of sources) {
    expect(source).toMatch(/^\.\/[\w.-]+$/);
    await site.get(`/api/${source}`).expect(200);
  }
  await site.get('/api/nothing').expect(404);
  const script = await site.get('/api/swagger-ui-init.js').expect(200);
  expect(script.text).toContain('"/auth/email"');
  expect(script.text).toContain('"operationId": "verifyCode"');
});
