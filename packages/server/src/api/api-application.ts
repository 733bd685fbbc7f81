/**
 * The API as a Fastify application, made of its parts: every request passes the same steps. Who asks, whether that is
 * allowed and not too often, whether the input is right, whether it was carried out before; then its route.
 */
import type { IncomingMessage } from 'node:http';
import type { Clock } from '@dunlin/broker';
import { actingAs } from '@dunlin/devices';
import type { HttpVisit } from '@dunlin/transport';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { TSchema } from 'typebox';
import { RETRY_AFTER_S, SECURITY_HEADERS } from './answer-headers.ts';
import { type AnsweredRequests, requestHash } from './answered-requests.ts';
import type { ApiKeys } from './api-keys.ts';
import { type ApiAnswer, type ApiCall, type ApiRoute, takesNothing } from './api-route.ts';
import { corsHeaders, corsOriginOf, isPreflight, PREFLIGHT_HEADERS } from './cors.ts';
import { factsOf } from './http-facts.ts';
import { checkOf } from './input-check.ts';
import { nestsAtMost } from './json-depth.ts';
import { routesAt } from './known-paths.ts';
import { openApiDocument } from './open-api.ts';
import { ownerCaller } from './owner-caller.ts';
import type { OwnerSessions } from './owner-sessions.ts';
import { ApiProblem, PROBLEMS, type ProblemCode, problemBody } from './problems.ts';
import { RequestRate } from './request-rate.ts';
import type { Caller } from './scopes.ts';
import { type Strangers, tooMany } from './strangers.ts';

export interface ApiLimits {
  /** Of one key, a second. */
  readonly requestsPerSecondMax: number;
  /** Of one address without a key that counts, a second. */
  readonly strangerRequestsPerSecondMax: number;
  /** At once. */
  readonly requestsMax: number;
  readonly bodyBytesMax: number;
}

/** Where a request came in, and what is known of who sent it. */
export interface ApiVisit extends HttpVisit {
  /** Name. */
  readonly listener: string;
}

/** Who keeps out whom guesses. */
export interface KeyGuard {
  isBanned(address: string): boolean;
  /** Counts a wrong key; returns for how many milliseconds its answer is to wait. */
  failedElsewhere(address: string, listener: string): number;
}

export interface ApiParts {
  readonly clock: Clock;
  readonly keys: ApiKeys;
  readonly answered: AnsweredRequests;
  /** Whoever asks by the control socket, or is the program itself. */
  readonly local: Caller;
  readonly routes: readonly ApiRoute[];
  readonly limits: ApiLimits;
  readonly strangers: Strangers;
  readonly newRequestId: () => string;
  /** Pages of other origins that may ask, with a key. */
  readonly corsOrigins: readonly string[];
  /** Who sent a request that came over a listener. */
  readonly visitOf: (request: IncomingMessage) => ApiVisit | undefined;
  /** Owners of devices that are signed in. */
  readonly owners: OwnerSessions;
  /** What people see where a page cannot be shown. */
  readonly problemPage: (problem: ApiProblem) => {
    readonly body: string;
    readonly headers: Readonly<Record<string, string>>;
  };
  readonly guard: KeyGuard;
  /** What an error of a route is to the caller; undefined: a fault of ours. */
  readonly problemOf: (error: unknown) => ApiProblem | undefined;
  /**
   * Told of each request that a route has begun to answer, which may write after its caller has gone. `leave` has it go at
   * once where it only waits.
   */
  readonly began: (work: Promise<unknown>, leave: () => void) => void;
  /** Told of faults of ours. */
  readonly failed: (requestId: string, error: unknown) => void;
  /** Told of requests that were turned away, before a route was asked. `by`: empty where that is not known. */
  readonly refused: (refused: RefusedRequest) => void;
  readonly version: string;
}

export interface RefusedRequest {
  readonly requestId: string;
  readonly by: string;
  readonly address: string;
  readonly code: ProblemCode;
}

/** Longest path parameter, percent signs included: a device id of 128 characters of four bytes. */
const PARAMETER_CHARACTERS_MAX = 128 * 12;
const DEPTH_MAX = 32;

/** What is known of a request while it passes. */
interface Passage {
  caller: Caller;
  /** Where it carries an Idempotency-Key and is the first with it. */
  first: { readonly key: string; readonly hash: string } | undefined;
}

interface RoutePassage extends Passage {
  readonly route: ApiRoute;
  readonly gone: AbortSignal;
}

/** Makes the application; ready to be asked when it settles. */
export async function apiApplication(parts: ApiParts): Promise<FastifyInstance> {
  const app = fastify({
    logger: false,
    bodyLimit: parts.limits.bodyBytesMax,
    requestIdHeader: false,
    genReqId: parts.newRequestId,
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: PARAMETER_CHARACTERS_MAX },
    frameworkErrors: (error, request, reply) => {
      // No hook has counted it.
      const refusal = parts.visitOf(request.raw) && parts.strangers.take(addressOf(request, parts));
      void answerProblem(parts, refusal ?? error, request, reply);
    },
  });
  const passages = new WeakMap<FastifyRequest, Passage>();
  app.setValidatorCompiler<TSchema>(({ schema, httpPart }) => checkOf(schema, httpPart));
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  app.setErrorHandler((error, request, reply) => answerProblem(parts, error, request, reply, passages.get(request)));
  const routes = [...parts.routes, openApiDocument(parts.routes, parts.version)];
  app.setNotFoundHandler((request, reply) => throwUnknown(routes, request, reply));
  addEntrance(app, parts, passages, routes);
  app.removeContentTypeParser('text/plain');
  for (const route of routes.filter(isJson)) addRoute(app, parts, passages, route);
  // What comes as a stream is read by its route, whatever its Content-Type.
  app.register(async (streams) => {
    streams.removeAllContentTypeParsers();
    streams.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
    for (const route of routes) if (!isJson(route)) addRoute(streams as typeof app, parts, passages, route);
  });
  await app.ready();
  return app;
}

/** @throws ApiProblem */
function throwUnknown(routes: readonly ApiRoute[], { url, method }: FastifyRequest, reply: FastifyReply): never {
  const methods = [...new Set(routesAt(routes, url).map((route) => route.method))].join(', ');
  if (methods === '') throw new ApiProblem('route-unknown', 'Cannot find this: see the routes of /api/v1/openapi.json');
  reply.header('allow', methods);
  throw new ApiProblem('method-unknown', `Cannot do this by ${method}: ${methods} is expected`);
}

function isJson({ bodyKind }: ApiRoute): boolean {
  return bodyKind === 'json';
}

/** Steps of every request, whether there is something at its path or not: strangers do not learn that. */
function addEntrance(
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

type RouteConfig = Pick<ApiRoute, 'scope' | 'allowsOwners' | 'isPage'>;

function configOf({ routeOptions }: FastifyRequest): RouteConfig {
  const { scope = 'any', ...rest } = routeOptions.config as Partial<RouteConfig>;
  return { scope, ...rest };
}

function addressOf({ raw }: FastifyRequest, { visitOf }: ApiParts): string {
  return visitOf(raw)?.peer.address ?? '';
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

function addRoute(
  app: FastifyInstance,
  parts: ApiParts,
  passages: WeakMap<FastifyRequest, Passage>,
  route: ApiRoute,
): void {
  const { method, path, takesRest, scope, params, query, body, bodyKind } = route;
  app.route({
    method,
    url: takesRest ? path.replace(REST, '*') : path.replace(/\{(\w+)\}/g, ':$1'),
    config: { scope, allowsOwners: route.allowsOwners, isPage: route.isPage },
    ...(bodyKind !== 'json' && { bodyLimit: bodyKind.bytesMax }),
    schema: { params, querystring: query, ...(body !== undefined && bodyKind === 'json' && { body }) },
    preValidation: async (request) => {
      if (takesRest) nameRest(request, route);
      checkBody(request, route);
    },
    handler: (request, reply) => {
      const gone = new AbortController();
      // An abort costs more than most answers: it makes an error with its stack.
      reply.raw.once('close', () => {
        if (!reply.raw.writableFinished) gone.abort();
      });
      const work = answer(request, reply, parts, { ...(passages.get(request) as Passage), route, gone: gone.signal });
      parts.began(work, () => gone.abort());
      return work;
    },
  });
}

/** The parameter at the end of a path. */
const REST = /\{(\w+)\}$/;

function nameRest(request: FastifyRequest, { path }: ApiRoute): void {
  const name = REST.exec(path)?.[1] as string;
  request.params = { [name]: (request.params as Readonly<Record<'*', string>>)['*'] };
}

async function answer(
  request: FastifyRequest,
  reply: FastifyReply,
  parts: ApiParts,
  passage: RoutePassage,
): Promise<FastifyReply> {
  const kept = await repeatedAnswer(request, parts, passage);
  if (kept !== undefined) return sendKept(reply, kept);
  try {
    return await carryOut(request, reply, parts, passage);
  } finally {
    // Nothing is left to do where it was carried out.
    await endFirst(parts, passage, undefined);
  }
}

/** @throws ApiProblem */
function checkBody(request: FastifyRequest, route: ApiRoute): void {
  const { body } = request;
  if (route.body === undefined) {
    if (body != null) throw new ApiProblem('input-invalid', 'Cannot take a body here: none is expected');
    return;
  }
  const type = contentTypeOf(request);
  if (body === undefined && type === '' && takesNothing(route)) {
    request.body = {};
    return;
  }
  const types = route.bodyKind === 'json' ? ['application/json'] : route.bodyKind.contentTypes;
  if (!types.includes(type))
    throw new ApiProblem(
      'media-type-unknown',
      `Cannot read a body of the Content-Type ${JSON.stringify(type)}: ${types.join(' or ')} is expected`,
    );
  if (route.bodyKind === 'json' && !nestsAtMost(body, DEPTH_MAX))
    throw new ApiProblem('body-too-deep', `Cannot take this body: at most ${DEPTH_MAX} levels are expected`);
}

function contentTypeOf({ headers }: FastifyRequest): string {
  return headers['content-type']?.split(';')[0].trim().toLowerCase() ?? '';
}

/** The answer that the request got before; undefined: carry it out. */
async function repeatedAnswer(request: FastifyRequest, parts: ApiParts, passage: RoutePassage) {
  const { route } = passage;
  const key = request.headers['idempotency-key'];
  // Strangers all have one name: a key of one could be guessed by another.
  if (key === undefined || route.method === 'GET' || passage.caller.by === 'public') return undefined;
  if (typeof key !== 'string' || route.bodyKind !== 'json' || route.method !== 'POST')
    throw new ApiProblem(
      'idempotency-key-invalid',
      'Cannot use an Idempotency-Key here: one, of a POST with JSON, is expected',
    );
  // A hash of what holds a secret could be guessed; who repeats such a request is not answered anyway.
  const hash = requestHash(route.method, request.url, route.isSecret ? undefined : request.body);
  const kept = await parts.answered.begin(passage.caller.by, key, hash);
  if (kept === undefined) passage.first = { key, hash };
  return kept;
}

function sendKept(
  reply: FastifyReply,
  { status, location, body }: { status: number; location?: string; body?: string },
) {
  reply.code(status).header('idempotency-replayed', 'true');
  if (location !== undefined) reply.header('location', location);
  return body === undefined || body === '' ? reply.send() : reply.type('application/json; charset=utf-8').send(body);
}

async function carryOut(
  request: FastifyRequest,
  reply: FastifyReply,
  parts: ApiParts,
  passage: RoutePassage,
): Promise<FastifyReply> {
  const { caller, route, gone } = passage;
  const { params, query, body } = request as unknown as { params: never; query: never; body: never };
  const expected = expectedRevision(request);
  const call: ApiCall<never, never, never> = {
    caller,
    requestId: request.id,
    params,
    query,
    body: (body ?? undefined) as never,
    contentType: contentTypeOf(request),
    expected,
    http: factsOf(request.raw, parts.visitOf(request.raw)),
    gone,
  };
  const { by, address } = caller;
  const answer = await actingAs({ by, address, requestId: request.id }, () => route.handle(call));
  const { status = route.status, location } = answer;
  const text = bodyOf(answer);
  const kept = route.isSecret ? undefined : typeof text === 'string' ? text : '';
  await endFirst(parts, passage, { status, location, body: kept });
  reply.code(status);
  if (location !== undefined) reply.header('location', location);
  if (answer.headers !== undefined) reply.headers({ ...answer.headers });
  // As OCSP wants it (RFC 5019, section 6.2), and right for a revocation list too.
  if (answer.keepS !== undefined && answer.keepS > 0)
    reply.header('cache-control', `max-age=${answer.keepS}, public, no-transform, must-revalidate`);
  if (answer.revision !== undefined) reply.header('etag', `"${answer.revision}"`);
  if (text === undefined) return reply.send();
  return reply.type(answer.contentType ?? 'application/json; charset=utf-8').send(text);
}

function bodyOf({ body, contentType }: ApiAnswer<unknown>): unknown {
  return body === undefined || contentType !== undefined ? body : JSON.stringify(body);
}

async function endFirst(
  { answered }: ApiParts,
  passage: Passage,
  answer: Parameters<AnsweredRequests['end']>[3],
): Promise<void> {
  const { first, caller } = passage;
  passage.first = undefined;
  if (first !== undefined) await answered.end(caller.by, first.key, first.hash, answer);
}

/** `If-Match: "7"`. @throws ApiProblem */
function expectedRevision({ headers }: FastifyRequest): number | undefined {
  const given = headers['if-match'];
  if (given === undefined) return undefined;
  const revision = /^"([1-9]\d{0,14})"$/.exec(given)?.[1];
  if (revision !== undefined) return Number(revision);
  throw new ApiProblem('request-invalid', 'Cannot read If-Match: the ETag of an earlier answer is expected');
}

const TURNED_AWAY: readonly ProblemCode[] = [
  'key-missing',
  'key-refused',
  'scope-missing',
  'session-missing',
  'form-refused',
  'origin-refused',
  'host-refused',
  'too-many-requests',
  'too-busy',
  'body-too-large',
];

/** What Fastify itself refuses, by its codes. */
const FRAMEWORK_PROBLEMS: Readonly<Record<string, ProblemCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'body-too-large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'media-type-unknown',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'json-invalid',
  FST_ERR_CTP_INVALID_JSON_BODY: 'json-invalid',
};

async function answerProblem(
  parts: ApiParts,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  passage?: Passage,
) {
  const problem = problemIn(error, parts);
  if (problem.code === 'internal') parts.failed(request.id, error);
  const { status } = PROBLEMS[problem.code];
  if (TURNED_AWAY.includes(problem.code)) {
    const [requestId, address] = [request.id, addressOf(request, parts)];
    parts.refused({ requestId, by: passage?.caller.by ?? '', address, code: problem.code });
  }
  if (status === 401) reply.header('www-authenticate', 'Bearer realm="dunlin"');
  if (status === 429 || status === 503) reply.header('retry-after', String(RETRY_AFTER_S));
  // What was not read of the body would be taken for the next request; a stranger is told of its limit once a connection.
  const isStranger = passage === undefined || passage.caller.by === 'public';
  const isLast =
    status === 413 || status === 415 || problem.code === 'address-banned' || (status === 429 && isStranger);
  if (isLast) reply.header('connection', 'close');
  if (configOf(request).isPage) {
    const { body, headers } = parts.problemPage(problem);
    const all = { ...SECURITY_HEADERS, ...headers, 'x-request-id': request.id };
    return reply.headers(all).code(status).type('text/html; charset=utf-8').send(body);
  }
  return reply
    .headers({ ...SECURITY_HEADERS, 'x-request-id': request.id })
    .code(status)
    .type('application/problem+json; charset=utf-8')
    .send(JSON.stringify(problemBody(problem, request.id)));
}

function problemIn(error: unknown, parts: ApiParts): ApiProblem {
  if (error instanceof ApiProblem) return error;
  const known = parts.problemOf(error);
  if (known !== undefined) return known;
  const { code = '', statusCode, message } = error as { code?: string; statusCode?: number; message: string };
  if (Object.hasOwn(FRAMEWORK_PROBLEMS, code)) return new ApiProblem(FRAMEWORK_PROBLEMS[code], message);
  if (error instanceof SyntaxError && statusCode === 400)
    return new ApiProblem(
      'json-invalid',
      'Cannot read the body: JSON without __proto__ and constructor.prototype is expected',
    );
  // Its own words repeat what was sent, whatever its length.
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500)
    return new ApiProblem(
      'request-invalid',
      'Cannot read the request: its path or its headers are malformed or too long',
    );
  return new ApiProblem('internal', 'Cannot answer: the server failed');
}
