/** Users who are signed in: whose request it is, and that a page of this server sent it. */
import type { HttpVisit } from '@dunlin/transport';
import type { ApiRoute, HttpFacts } from './api-route.ts';
import { isFormToken, type OwnerSessions } from './owner-sessions.ts';
import { ApiProblem } from './problems.ts';
import type { Caller } from './scopes.ts';

/**
 * The user whose cookie the request carries; undefined where there is none, or the route is none for users.
 * @throws ApiProblem host-refused, form-refused
 */
export function ownerCaller(
  { scope, allowsOwners, isPage }: Pick<ApiRoute, 'scope' | 'allowsOwners' | 'isPage'>,
  request: HttpFacts & { readonly method: string },
  visit: HttpVisit,
  sessions: OwnerSessions,
): Caller | undefined {
  if (scope !== 'owner' && allowsOwners !== true && isPage !== true) return undefined;
  // A name that was made to lead here has cookies of its own, and pages that may read what is answered.
  if (!visit.isOwnHost)
    throw new ApiProblem('host-refused', 'Cannot answer for this host: one of `hosts` of the listener is expected');
  const { headers, isSecure, method } = request;
  if (method !== 'GET') checkOwnPage(headers, isSecure);
  const session = sessions.find(headers, isSecure);
  if (session === undefined) return undefined;
  // The form of a page carries it too, which its route sees.
  if (method !== 'GET' && isPage !== true && !isFormToken(session, headers['x-form-token']))
    throw new ApiProblem('form-refused', 'Cannot do this: X-Form-Token of /api/v1/my is expected');
  return { by: `owner:${session.owner}`, scopes: new Set(), address: visit.peer.address, session };
}

/** What a browser says of the page that sends; a program says nothing. @throws ApiProblem form-refused */
function checkOwnPage(headers: HttpFacts['headers'], isSecure: boolean): void {
  const { origin, host = '', 'sec-fetch-site': site } = headers;
  const page = origin === undefined ? undefined : URL.parse(origin);
  // A page of this name that came in the clear may be of anybody on the way.
  const isForeign =
    (site !== undefined && site !== 'same-origin' && site !== 'none') ||
    (page !== undefined && (page?.host !== host.toLowerCase() || (isSecure && page.protocol !== 'https:')));
  if (isForeign) throw new ApiProblem('form-refused', 'Cannot do this: a page of this server is expected to ask');
}
