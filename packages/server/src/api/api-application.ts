/**
 * The API as a Fastify application, made of its parts: every request passes the same steps. Who asks, whether that is
 * allowed and not too often, whether the input is right, whether it was carried out before; then its route.
 */
import { actingAs } from '@dunlin/devices';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { TSchema } from 'typebox';
import { type AnsweredRequests, requestHash } from './answered-requests.ts';
import { addEntrance } from './api-entrance.ts';
import { type ApiParts, addressOf, type Passage } from './api-parts.ts';
import { type ApiAnswer, type ApiCall, type ApiRoute, takesNothing } from './api-route.ts';
import { factsOf } from './http-facts.ts';
import { checkOf } from './input-check.ts';
import { nestsAtMost } from './json-depth.ts';
import { routesAt } from './known-paths.ts';
import { openApiDocument } from './open-api.ts';
import { answerProblem } from './problem-answer.ts';
import { ApiProblem } from './problems.ts';

/** Longest path parameter, percent signs included: a device id of 128 characters of four bytes. */
const PARAMETER_CHARACTERS_MAX = 128 * 12;
const DEPTH_MAX = 32;

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
  { status, location, revision, body }: { status: number; location?: string; revision?: number; body?: string },
) {
  reply.code(status).header('idempotency-replayed', 'true');
  if (location !== undefined) reply.header('location', location);
  if (revision !== undefined) reply.header('etag', `"${revision}"`);
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
  const { status = route.status, location, revision } = answer;
  const text = bodyOf(answer);
  const kept = route.isSecret ? undefined : typeof text === 'string' ? text : '';
  await endFirst(parts, passage, { status, location, revision, body: kept });
  reply.code(status);
  if (location !== undefined) reply.header('location', location);
  if (answer.headers !== undefined) reply.headers({ ...answer.headers });
  // As OCSP wants it (RFC 5019, section 6.2), and right for a revocation list too.
  if (answer.keepS !== undefined && answer.keepS > 0)
    reply.header('cache-control', `max-age=${answer.keepS}, public, no-transform, must-revalidate`);
  if (revision !== undefined) reply.header('etag', `"${revision}"`);
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
