/** The OpenAPI document describes every response, and nothing else. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 as Ajv } from 'ajv/dist/2020';
import {
  type EmailVerificationOptions,
  MemoryStore,
  type OpenApiMediaType,
  openapi,
} from 'express-email-verification';
import { createTestInbox } from 'express-email-verification/testing';
import request, { type Response } from 'supertest';
import { createTestApp } from '../support/app.js';
import { faultOf, responsesOf, validatorOf } from '../support/documented.js';

const root = join(__dirname, '../..');
const read = (file: string) => JSON.parse(readFileSync(join(root, file), 'utf8'));
/** The reason of a refusal, or which success it is. */
const kindOf = (body: object): string =>
  Object(body).reason ?? (Object(body).verified ? 'proven' : 'success');
const ROUTES = ['/send', '/verify'] as const;
const email = 'person@example.com';

describe('the document', () => {
  it('is valid OpenAPI 3.1, by the official schema', () => {
    const schema = read('node_modules/@seriousme/openapi-schema-validator/schemas/v3.1/schema.json');
    const ajv = new Ajv({ strict: false, validateFormats: false });
    const validate = ajv.compile(schema);
    validate(JSON.parse(JSON.stringify(openapi)));
    expect(validate.errors).toBeNull();
    expect(validate({ ...openapi, info: { title: 'no version' } })).toBe(false);
  });

  it('has valid schemas, and references that lead somewhere', () => {
    const ajv = new Ajv();
    for (const schema of Object.values(openapi.components.schemas)) {
      expect([ajv.validateSchema(schema), ajv.errors]).toEqual([true, null]);
    }
    for (const [, pointer = ''] of JSON.stringify(openapi).matchAll(/"\$ref":"#(.+?)"/g)) {
      let target: unknown = openapi;
      for (const part of pointer.split('/').slice(1)) target = Object(target)[part];
      expect([pointer, typeof target]).toEqual([pointer, 'object']);
    }
  });

  it('has examples that match their schemas, for each request and each reason', () => {
    const check = ({ examples }: OpenApiMediaType, pointer: string) => {
      const validate = validatorOf(`${pointer}/schema`);
      for (const [name, { value }] of Object.entries(examples)) {
        validate(value);
        expect([pointer, name, validate.errors]).toEqual([pointer, name, null]);
      }
    };
    for (const route of ROUTES) {
      const { content } = openapi.paths[route].post.requestBody;
      check(
        content['application/json'],
        `/paths/~1${route.slice(1)}/post/requestBody/content/application~1json`,
      );
    }
    for (const route of [...ROUTES, '/nonce', 'guard']) {
      for (const [response, pointer] of responsesOf(route).values()) {
        const media = response.content['application/json'];
        check(media, `${pointer}/content/application~1json`);
        const reasons = Object.values(media.examples).map(({ value }) => kindOf(value));
        const { oneOf = [media.schema] } = Object(media.schema);
        expect(new Set(reasons).size).toBe(oneOf.length);
      }
    }
  });

  it('has the version of the package', () => {
    expect(openapi.info.version).toBe(read('package.json').version);
  });

  it('is JSON, and cannot be changed by one of those who share it', () => {
    expect(JSON.parse(JSON.stringify(openapi))).toEqual({ ...openapi });
    expect(() => Object.assign(openapi.paths['/send'].post, { summary: '' })).toThrow(TypeError);
    expect(() => Object.assign(openapi, { servers: [] })).toThrow(TypeError);
    expect({ ...openapi, servers: [] }.paths).toBe(openapi.paths);
  });
});

it('a status, a field or a header that is not documented is noticed', () => {
  const headers = { 'cache-control': 'no-store' };
  const body = { ok: true, message: 'Sent.', challengeId: 'x', expiresIn: 180, resendIn: 60 };
  const fault = (change: object) => faultOf('/send', { status: 200, headers, body, ...change });
  expect(fault({})).toBeUndefined();
  expect(fault({ status: 204 })).toMatch(/204, which is not documented/);
  expect(fault({ body: { ...body, code: '123456' } })).toMatch(/additional properties/);
  expect(fault({ body: { ...body, expiresIn: 1.5 } })).toMatch(/integer/);
  expect(fault({ headers: {} })).toMatch(/no Cache-Control/);
  expect(fault({ status: 429 })).toMatch(/reason/);
});

describe('every response that is documented occurs', () => {
  const options = () => ({ store: new MemoryStore(), delivery: createTestInbox().delivery });
  const appWith = (more: Partial<EmailVerificationOptions> = {}) =>
    request(createTestApp({ ...options(), ...more }).app);
  const noStore = () => {
    const unreachable = () => Promise.reject(new Error('unreachable'));
    return Object.assign(new MemoryStore(), { open: unreachable, attempt: unreachable, redeem: unreachable });
  };
  const fails = (properties: object) => ({
    delivery: () => Promise.reject(Object.assign(new Error('no answer'), properties)),
  });
  const large = { email, code: '123456', captcha: 'x'.repeat(20_000) };

  /** A browser whose every proof holds. */
  const browserProof = { check: async () => ({ kind: 'accepted', email }) as const };

  const responses: Record<'/send' | '/verify' | '/nonce' | '/signup', () => Promise<Response[]>> = {
    '/send': async () => {
      const app = appWith();
      return [
        await app.post('/ev/send').send({ email }),
        await app.post('/ev/send').type('form').send({ email }),
        await app.post('/ev/send').send({ email: 'nobody' }),
        await app.post('/ev/send').send(large),
        await app.post('/ev/send').type('text').send(email),
        await app.post('/ev/send').type('form').set('Sec-Fetch-Site', 'cross-site').send({ email }),
        await appWith(fails({})).post('/ev/send').send({ email }),
        await appWith(fails({ unknown: true }))
          .post('/ev/send')
          .send({ email }),
        await appWith({ store: noStore() }).post('/ev/send').send({ email }),
        await proven(),
      ];
    },
    '/nonce': async () => [await appWith({ browserProof }).get('/ev/nonce')],
    '/verify': async () => {
      const inbox = createTestInbox();
      const app = appWith({ delivery: inbox.delivery });
      await app.post('/ev/send').send({ email }).expect(200);
      const code = await inbox.codeFor(email);
      const wrong = code === '000000' ? '111111' : '000000';
      const limited = appWith({ rateLimit: { verify: { windowMs: 60_000, limit: 1 } } });
      const verify = (fields: object) => app.post('/ev/verify').send({ email, ...fields });
      return [
        await verify({ code: wrong }),
        await verify({ code }),
        await verify({ code }),
        await verify({ code: '12' }),
        await verify(large),
        await verify({ code }).type('form').set('Sec-Fetch-Site', 'cross-site'),
        await app.post('/ev/verify').type('text').send(code),
        await limited.post('/ev/verify').send({ email, code }),
        await limited.post('/ev/verify').send({ email, code }),
        await appWith({ store: noStore() }).post('/ev/verify').send({ email, code }),
      ];
    },
    '/signup': async () => {
      // Of the form of a token, as otherwise the store is not asked.
      const { challengeId: verificationToken } = (await appWith().post('/ev/send').send({ email })).body;
      const fields = { email, verificationToken };
      return [
        await appWith().post('/signup').send(fields),
        await appWith({ store: noStore() }).post('/signup').send(fields),
      ];
    },
  };

  async function proven(): Promise<Response> {
    const app = appWith({ browserProof });
    const { nonce } = (await app.get('/ev/nonce')).body;
    return app.post('/ev/send').send({ email, nonce, proof: 'a proof' });
  }

  it.each(['/send', '/verify', '/nonce', '/signup'] as const)('of %s, and no other', async (route) => {
    const seen = await responses[route]();
    const faults = seen.map(({ status, headers, body }) => faultOf(route, { status, headers, body }));
    expect(faults.filter(Boolean)).toEqual([]);
    const documented = [...responsesOf(route)].flatMap(([status, [response]]) =>
      Object.values(response.content['application/json'].examples).map(
        ({ value }) => `${status} ${kindOf(value)}`,
      ),
    );
    const occurred = seen.map(({ status, body }) => `${status} ${kindOf(body)}`);
    expect([...new Set(occurred)].sort()).toEqual([...new Set(documented)].sort());
  });
});
