/** Routes of API keys: whoever makes one gives away no more than it may do itself. */
import { Type } from 'typebox';
import type { ApiKey, ApiKeys } from './api-keys.ts';
import { type ApiRoute, CLOSED, route } from './api-route.ts';
import { PAGE_LIMIT, PAGE_QUERY, pageBody, pageOf, timeMs } from './page-schemas.ts';
import { ApiProblem } from './problems.ts';
import { type Caller, SCOPE_NAMES, type Scope } from './scopes.ts';

const SCOPES_SCHEMA = Type.Array(Type.Enum([...SCOPE_NAMES]), { minItems: 1, maxItems: SCOPE_NAMES.length });

const KEY = Type.Object({
  id: Type.String(),
  name: Type.String(),
  scopes: Type.Array(Type.Enum([...SCOPE_NAMES])),
  createdBy: Type.String(),
  createdAtMs: timeMs('When it was made.'),
  expiresAtMs: Type.Optional(timeMs('When it ends.')),
  lastUsedAtMs: Type.Optional(timeMs('When it was shown last, to the minute.')),
});

const NEW_KEY = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 128, description: 'For people.' }),
    scopes: SCOPES_SCHEMA,
    expiresInS: Type.Optional(Type.Integer({ minimum: 60, maximum: 315_360_000, description: 'Default: never.' })),
  },
  CLOSED,
);

const ID = Type.Object({ keyId: Type.String({ minLength: 1, maxLength: 64 }) });
const tag = 'keys';
const scope = 'keys:write';

export function keyRoutes(keys: ApiKeys): ApiRoute[] {
  return [
    route({
      method: 'GET',
      path: '/api/v1/keys',
      operationId: 'listApiKeys',
      summary: 'API keys',
      tag,
      scope,
      query: Type.Object(PAGE_QUERY, CLOSED),
      answer: pageOf(KEY),
      async handle({ query: { limit = PAGE_LIMIT, cursor } }) {
        const page = await keys.list(limit, cursor);
        return { body: pageBody(page.keys.map(shown), page.cursor) };
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/keys',
      operationId: 'makeApiKey',
      summary: 'Make an API key, which is shown this once',
      tag,
      scope,
      body: NEW_KEY,
      answer: Type.Object({ ...KEY.properties, key: Type.String({ description: 'The key itself.' }) }),
      status: 201,
      isSecret: true,
      async handle({ caller, body }) {
        checkWithin(caller, body.scopes);
        const { key, entry } = await keys.add({ ...body, by: caller.by });
        return { body: { ...shown(entry), key }, location: `/api/v1/keys/${entry.id}` };
      },
    }),
    route({
      method: 'DELETE',
      path: '/api/v1/keys/{keyId}',
      operationId: 'removeApiKey',
      summary: 'Delete an API key, which counts no longer',
      tag,
      scope,
      params: ID,
      status: 204,
      async handle({ caller, params: { keyId } }) {
        const entry = await keys.get(keyId);
        checkWithin(caller, entry.scopes);
        await keys.remove(keyId);
        return {};
      },
    }),
  ];
}

/** @throws ApiProblem scope-missing */
function checkWithin({ scopes }: Caller, wanted: readonly Scope[]): void {
  const beyond = wanted.filter((name) => !scopes.has(name));
  if (beyond.length > 0)
    throw new ApiProblem(
      'scope-missing',
      `Cannot handle an API key with ${beyond.join(' ')}: no more than one's own is expected`,
    );
}

function shown({ expiresAtMs, lastUsedAtMs, scopes, ...rest }: ApiKey) {
  return {
    ...rest,
    scopes: [...scopes],
    ...(expiresAtMs !== undefined && { expiresAtMs }),
    ...(lastUsedAtMs !== undefined && { lastUsedAtMs }),
  };
}
