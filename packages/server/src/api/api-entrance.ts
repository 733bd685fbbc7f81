/** The first steps of every request: who asks, whether that is allowed, and not too often. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { SECURITY_HEADERS } from './answer-headers.ts';
import { type ApiParts, addressOf, configOf, type Passage, type RouteConfig } from './api-parts.ts';
import type { ApiRoute } from './api-route.ts';
import { corsHeaders, corsOriginOf, isPreflight, PREFLIGHT_HEADERS } from './cors.ts';
import { factsOf } from './http-facts.ts';
import { routesAt } from './known-paths.ts';
import { ownerCaller } from './owner-caller.ts';
import { ApiProblem } from './problems.ts';
import { RequestRate } from './request-rate.ts';
import type { Caller } from './scopes.ts';
import { tooMany } from './strangers.ts';

/** Has every request take them, whether there is something at its path or not: strangers do not learn that. */
export function addEntrance(
  app: FastifyInstance,
  parts: ApiParts,
  passages: WeakMap<FastifyRequest, Passage>,
  routes: readonly ApiRoute[],
): void {
  const { limits, clock, strangers } = parts;
  const ofKeys = new RequestRate(clock, limits.requestsPerSecondMax);
  let underWay = 0;
  app.addHook('onRequest', async (request, reply) => {
    underWay += 1;
    reply.raw.once('close', () => {
      underWay -= 1;
    });
    reply.headers({ ...SECURITY_HEADERS, 'x-request-id': request.id });
    const origin = configOf(request).isPage ? undefined : corsOriginOf(request.raw, parts.corsOrigins);
    reply.headers(corsHeaders(origin, parts.corsOrigins));
    if (underWay > limits.requestsMax)
      throw new ApiProblem('too-busy', `Cannot take more than ${limits.requestsMax} requests at once: try again later`);
    const isOnlyAsked = origin !== undefined && isPreflight(request.raw);
    const isPublic = isOnlyAsked || (request.is404 && routesAt(routes, request.url).some(isForAnybody));
    const config: RouteConfig = isPublic ? { scope: 'public' } : configOf(request);
    const { scope } = config;
    const caller = await callerOf(request, parts, config, origin).catch(async (error) => {
      throw await strangers.refusal(error, addressOf(request, parts), parts.visitOf(request.raw)?.listener ?? '');
    });
    passages.set(request, { caller, first: undefined });
    const refusal =
      caller.by === 'public'
        ? strangers.enter(caller.address, (left) => reply.raw.once('close', left))
        : caller === parts.local || ofKeys.take(caller.by)
          ? undefined
          : tooMany('of this API key');
    if (refusal !== undefined) throw refusal;
    if (isOnlyAsked) return reply.code(204).headers(PREFLIGHT_HEADERS).send();
    if (caller.session !== undefined) return;
    if (scope === 'owner')
      throw new ApiProblem('session-missing', 'Cannot do this: a user who is signed in is expected');
    if (scope !== 'any' && scope !== 'public' && !caller.scopes.has(scope))
      throw new ApiProblem('scope-missing', `Cannot do this with the API key: its scope ${scope} is expected`);
  });
}

function isForAnybody({ scope }: ApiRoute): boolean {
  return scope === 'public';
}

/** @throws ApiProblem */
async function callerOf(
  { raw, headers }: FastifyRequest,
  parts: ApiParts,
  config: RouteConfig,
  corsOrigin: string | undefined,
): Promise<Caller> {
  const visit = parts.visitOf(raw);
  // Only code of this process can inject a request, and the control socket is for the user of the server alone.
  if (visit === undefined && 'isLightMyRequest' in raw) return parts.local;
  if (visit === undefined) throw new ApiProblem('key-missing', 'Cannot tell who asks: a listener is expected');
  const { address } = visit.peer;
  if (!visit.isFromAllowedOrigin && corsOrigin === undefined)
    throw new ApiProblem(
      'origin-refused',
      'Cannot answer a page of this origin: one of `origins` of the listener, or of `api.cors.origins`, is expected',
    );
  if (parts.guard.isBanned(address))
    throw new ApiProblem('address-banned', 'Cannot answer this address: that its ban ends is expected');
  const key = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  if (key !== undefined) return await parts.keys.check(key, address);
  const owner =
    corsOrigin === undefined &&
    ownerCaller(config, { method: raw.method ?? '', ...factsOf(raw, visit) }, visit, parts.owners);
  if (owner) return owner;
  if (config.scope === 'public') return { by: 'public', scopes: new Set(), address };
  // A page of a name that was made to lead here is of "its own origin"; a key it has none.
  if (!visit.isOwnHost)
    throw new ApiProblem('host-refused', 'Cannot answer for this host: one of `hosts` of the listener is expected');
  throw new ApiProblem('key-missing', 'Cannot do this without an API key: Authorization: Bearer dk_… is expected');
}
