/**
 * The answer to a stranger over its limit, before anything is made of the request: it is the last one of its connection, so
 * that whoever sends thousands without waiting is answered once.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { RETRY_AFTER_S, SECURITY_HEADERS } from './answer-headers.ts';
import type { ApiParts } from './api-parts.ts';
import { isPageUrl } from './api-paths.ts';
import { corsHeaders, corsOriginOf } from './cors.ts';
import { type ApiProblem, PROBLEMS, problemBody } from './problems.ts';

export type OverLimitParts = Pick<ApiParts, 'corsOrigins' | 'newRequestId' | 'problemPage' | 'refused'>;

/** Whether nothing in the request could show that it is no stranger's. */
export function showsNothing({ headers }: IncomingMessage): boolean {
  return headers.authorization === undefined && headers.cookie === undefined;
}

export function answerOverLimit(
  { corsOrigins, newRequestId, problemPage, refused }: OverLimitParts,
  request: IncomingMessage,
  response: ServerResponse,
  problem: ApiProblem,
  address: string,
): void {
  const requestId = newRequestId();
  refused({ requestId, by: '', address, code: problem.code });
  const isPage = isPageUrl(request.url ?? '');
  const page = isPage ? problemPage(problem) : undefined;
  const body = page?.body ?? JSON.stringify(problemBody(problem, requestId));
  response.writeHead(PROBLEMS[problem.code].status, {
    ...SECURITY_HEADERS,
    ...page?.headers,
    ...corsHeaders(isPage ? undefined : corsOriginOf(request, corsOrigins), corsOrigins),
    'x-request-id': requestId,
    'retry-after': String(RETRY_AFTER_S),
    'content-type': isPage ? 'text/html; charset=utf-8' : 'application/problem+json; charset=utf-8',
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
  });
  response.end(body);
}
