/** The OpenAPI document of the routes: made from the schemas by which their input is checked. */
import { Type } from 'typebox';
import { type ApiRoute, route, takesNothing } from './api-route.ts';
import { PROBLEMS } from './problems.ts';
import { SCOPES } from './scopes.ts';

/** The route that answers it. */
export function openApiDocument(routes: readonly ApiRoute[], version: string): ApiRoute {
  const own = route({
    method: 'GET',
    path: '/api/v1/openapi.json',
    operationId: 'getOpenApiDocument',
    summary: 'This document; it holds no secret, so tools need no key to read it',
    tag: 'api',
    scope: 'public',
    answer: Type.Unknown(),
    handle: () => ({ body: document }),
  });
  const document = documentOf([...routes, own], version);
  return own;
}

function documentOf(routes: readonly ApiRoute[], version: string): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const one of routes.filter(({ isPage }) => isPage !== true))
    paths[one.path] = { ...paths[one.path], [one.method.toLowerCase()]: operationOf(one) };
  const scopes = Object.entries(SCOPES).map(([name, description]) => `- \`${name}\`: ${description}`);
  return {
    openapi: '3.1.0',
    info: { title: 'Dunlin', version, description: `Scopes of API keys:\n\n${scopes.join('\n')}` },
    // Where the document came from.
    servers: [{ url: '/' }],
    security: [{ apiKey: [] }],
    paths,
    components: {
      securitySchemes: {
        apiKey: { type: 'http', scheme: 'bearer', description: 'An API key, `dk_…`.' },
        owner: { type: 'apiKey', in: 'cookie', name: '__Host-dunlin-owner', description: OWNER },
      },
      schemas: { Problem: PROBLEM },
      responses: {
        problem: {
          description: 'A problem; `code` says which.',
          content: { 'application/problem+json': { schema: REFERENCE } },
        },
      },
    },
  };
}

const REFERENCE = { $ref: '#/components/schemas/Problem' };

const PROBLEM = Type.Object({
  type: Type.String(),
  title: Type.String(),
  status: Type.Integer(),
  detail: Type.String(),
  code: Type.Enum(Object.keys(PROBLEMS)),
  requestId: Type.String(),
  errors: Type.Optional(Type.Array(Type.Object({ at: Type.String(), problem: Type.String() }))),
});

function operationOf(route: ApiRoute) {
  const { operationId, summary, tag, scope, allowsOwners, params, query, body, bodyKind, answer, status } = route;
  const parameters = [...parametersOf(params, 'path'), ...parametersOf(query, 'query')];
  return {
    operationId,
    summary,
    tags: [tag],
    ...(scope === 'public' ? { security: [] } : scopeText(scope, allowsOwners)),
    ...(parameters.length > 0 && { parameters }),
    ...(body !== undefined && { requestBody: { required: !takesNothing(route), content: contentOf(bodyKind, body) } }),
    responses: {
      [status]: {
        description: summary,
        ...(answer !== undefined && { content: { 'application/json': { schema: answer } } }),
      },
      default: { $ref: '#/components/responses/problem' },
    },
  };
}

function scopeText(scope: ApiRoute['scope'], allowsOwners = false) {
  if (scope === 'owner') return { security: [{ owner: [] }], description: OWNER };
  const description = scope === 'any' ? 'Any API key.' : `Scope \`${scope}\`.`;
  return allowsOwners
    ? { security: [{ apiKey: [] }, { owner: [] }], description: `${description} ${OWNER}` }
    : { description };
}

const OWNER =
  'A user who is signed in at /claim; what changes something carries the `formToken` of /api/v1/my as X-Form-Token.';

function contentOf(kind: ApiRoute['bodyKind'], schema: unknown): Record<string, unknown> {
  const types = kind === 'json' ? ['application/json'] : kind.contentTypes;
  return Object.fromEntries(types.map((type) => [type, { schema }]));
}

function parametersOf({ properties, required }: ApiRoute['params'], place: 'path' | 'query'): unknown[] {
  const names: readonly string[] = required ?? [];
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: place,
    required: names.includes(name),
    schema,
  }));
}
