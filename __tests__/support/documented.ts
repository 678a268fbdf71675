/** Checks responses against the OpenAPI document. */
import type { OutgoingHttpHeaders } from 'node:http';
import { Ajv2020 as Ajv, type ValidateFunction } from 'ajv/dist/2020';
import type { RequestHandler } from 'express';
import { type OpenApiResponse, openapi } from 'express-email-verification';

export interface DocumentedReply {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly body: unknown;
}

/** What is wrong with a response of a route, or of the guard. Undefined if it is as documented. */
export function faultOf(route: string, { status, headers, body }: DocumentedReply): string | undefined {
  const response = responsesOf(route).get(String(status));
  if (!response) return `${route} responds with ${status}, which is not documented`;
  const [{ headers: expected }, pointer] = response;
  const validate = validatorOf(`${pointer}/content/application~1json/schema`);
  if (!validate(body)) return `${route} ${status}: ${ajv().errorsText(validate.errors)}`;
  for (const [name, { $ref }] of Object.entries(expected)) {
    const value = headers[name.toLowerCase()];
    const header = openapi.components.headers[$ref.split('/').at(-1) ?? ''];
    if (value === undefined) {
      if (header?.['required']) return `${route} ${status} has no ${name}`;
      continue;
    }
    const validate = validatorOf(`${$ref.slice(1)}/schema`);
    if (!validate(/^\d+$/.test(String(value)) ? Number(value) : value))
      return `${route} ${status}: ${name} is ${value}`;
  }
  return undefined;
}

/** The documented responses of a path by status, each with where it is in the document. */
export function responsesOf(route: string): Map<string, readonly [OpenApiResponse, string]> {
  if (route !== '/send' && route !== '/verify' && route !== '/nonce') {
    const { EmailNotVerified, Unavailable } = openapi.components.responses;
    return new Map([
      ['403', [EmailNotVerified, '/components/responses/EmailNotVerified']],
      ['503', [Unavailable, '/components/responses/Unavailable']],
    ]);
  }
  const method = route === '/nonce' ? 'get' : 'post';
  const { responses } = route === '/nonce' ? openapi.paths[route].get : openapi.paths[route].post;
  return new Map(
    Object.entries(responses).map(([status, response]) => [
      status,
      [response, `/paths/~1${route.slice(1)}/${method}/responses/${status}`],
    ]),
  );
}

/** Validates what a JSON Pointer of the document describes. A field that is not documented is an error. */
export function validatorOf(pointer: string): ValidateFunction {
  const $ref = `openapi#${pointer}`;
  return ajv().getSchema($ref) ?? ajv().compile({ $ref });
}

let compiler: Ajv | undefined;

function ajv(): Ajv {
  if (compiler) return compiler;
  compiler = new Ajv({ strict: false, allErrors: true });
  const { schemas, ...components } = openapi.components;
  const closed = Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => [name, { ...schema, additionalProperties: false }]),
  );
  return compiler.addSchema({ ...openapi, components: { ...components, schemas: closed } }, 'openapi');
}

const faults: string[] = [];

/** Fails the test if the package responds with something that the document does not describe. */
export const expectDocumented: RequestHandler = (req, res, next) => {
  const { end } = res;
  const { path } = req;
  res.end = (...args: unknown[]) => {
    const [body] = args;
    // Error handlers respond with HTML, and with what they like.
    if (typeof body === 'string' && String(res.getHeader('content-type')).startsWith('application/json')) {
      const reply = { status: res.statusCode, headers: res.getHeaders(), body: JSON.parse(body) };
      const fault = faultOf(path, reply);
      if (fault !== undefined) faults.push(fault);
    }
    return Reflect.apply(end, res, args);
  };
  next();
};

// Not in the processes that a test starts.
if (typeof afterEach === 'function') {
  afterEach(() => {
    expect(faults.splice(0)).toEqual([]);
  });
}
