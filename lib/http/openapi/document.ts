/** The shape of the OpenAPI document, as narrow as its readers need it. */

/** A JSON Schema (draft 2020-12). */
export type OpenApiSchema = Readonly<Record<string, unknown>>;

export interface OpenApiReference {
  readonly $ref: string;
}

export interface OpenApiExample {
  readonly summary: string;
  readonly value: object;
}

export interface OpenApiMediaType {
  readonly schema: OpenApiSchema | OpenApiReference;
  readonly examples: Readonly<Record<string, OpenApiExample>>;
}

export interface OpenApiResponse {
  readonly description: string;
  readonly headers: Readonly<Record<string, OpenApiReference>>;
  readonly content: { readonly 'application/json': OpenApiMediaType };
}

/** What reads, and takes nothing. */
export interface OpenApiRead {
  readonly operationId: string;
  readonly summary: string;
  readonly description: string;
  /** By status. */
  readonly responses: Readonly<Record<string, OpenApiResponse>>;
}

export interface OpenApiOperation extends OpenApiRead {
  readonly parameters: readonly OpenApiReference[];
  readonly requestBody: {
    readonly required: true;
    readonly content: {
      readonly 'application/json': OpenApiMediaType;
      readonly 'application/x-www-form-urlencoded': OpenApiMediaType;
    };
  };
}

export interface OpenApiDocument {
  readonly openapi: '3.1.0';
  readonly info: {
    readonly title: string;
    readonly version: string;
    readonly description: string;
    readonly license: { readonly name: 'MIT'; readonly identifier: 'MIT' };
  };
  /** Where the router is mounted. Replace it if that is another path. */
  readonly servers: readonly { readonly url: string }[];
  readonly security: readonly [];
  readonly paths: Readonly<Record<'/send' | '/verify', { readonly post: OpenApiOperation }>> & {
    readonly '/nonce': { readonly get: OpenApiRead };
  };
  readonly components: {
    readonly schemas: Readonly<Record<string, OpenApiSchema>>;
    /** What `requireVerifiedEmail()` responds with, for the description of your own sign-up. */
    readonly responses: Readonly<Record<'EmailNotVerified' | 'Unavailable', OpenApiResponse>>;
    readonly parameters: Readonly<Record<string, OpenApiSchema>>;
    readonly headers: Readonly<Record<string, OpenApiSchema>>;
  };
}
