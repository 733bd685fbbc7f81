/** The answer to a request that came to nothing: which problem an error is, and what goes with it. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { RETRY_AFTER_S, SECURITY_HEADERS } from './answer-headers.ts';
import { type ApiParts, addressOf, configOf, type Passage } from './api-parts.ts';
import { ApiProblem, PROBLEMS, type ProblemCode, problemBody } from './problems.ts';

/** What is told of: requests that never got to a route. */
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
const FRAMEWORK_PROBLEMS: Readonly<Record<string, readonly [code: ProblemCode, detail: string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['body-too-large', 'Cannot read the body: it is larger than is allowed here'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [
    'media-type-unknown',
    'Cannot read the body: one of the Content-Types in /api/v1/openapi.json, mostly application/json, is expected',
  ],
  FST_ERR_CTP_EMPTY_JSON_BODY: ['json-invalid', 'Cannot read the body: it is empty, JSON is expected'],
  FST_ERR_CTP_INVALID_JSON_BODY: ['json-invalid', 'Cannot read the body: it is no JSON, which is expected'],
};

/** `passage`: undefined where it was not known yet who asks. */
export async function answerProblem(
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
  const { code = '', statusCode } = error as { code?: string; statusCode?: number };
  if (Object.hasOwn(FRAMEWORK_PROBLEMS, code)) return new ApiProblem(...FRAMEWORK_PROBLEMS[code]);
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
