/** What a route of the API is: how it is asked, who may, and what answers. Routes are data; they know nothing of HTTP's rest. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Awaitable } from '@dunlin/broker';
import type { Peer } from '@dunlin/transport';
import { type Static, type TObject, type TSchema, Type } from 'typebox';
import type { Caller, Scope } from './scopes.ts';

/** What HTTP knows of a request, for routes of devices and of owners that sign in. */
export interface HttpFacts {
  /** Empty where it came by the control socket. */
  readonly listener: string;
  /** Undefined there. */
  readonly peer: Peer | undefined;
  /** Whether the caller speaks TLS, to us or to a trusted proxy. */
  readonly isSecure: boolean;
  readonly headers: IncomingHttpHeaders;
}

/** One request, its input checked. */
export interface ApiCall<Params, Query, Body> {
  readonly caller: Caller;
  readonly requestId: string;
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  /** Of the body, in lower case and without parameters; empty where there is none. */
  readonly contentType: string;
  /** The revision that If-Match names; undefined where there is none. */
  readonly expected: number | undefined;
  readonly http: HttpFacts;
  /** Aborted when the caller has gone. */
  readonly gone: AbortSignal;
}

export interface ApiAnswer<Body> {
  /** Default 200. */
  readonly status?: number;
  /** JSON, or text and bytes of the Content-Type; absent: none. */
  readonly body?: Body;
  /** Default `application/json`. */
  readonly contentType?: string;
  /** Beside those that every answer has, and in their place. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Path of what was made. */
  readonly location?: string;
  /** Revision of what is answered, as ETag. */
  readonly revision?: number;
  /** Seconds for which anybody may keep the answer to a GET. Default 0: nobody may. */
  readonly keepS?: number;
}

/** `stream`: the body is read by the route, of one of these Content-Types. */
export type BodyKind = 'json' | { readonly contentTypes: readonly string[]; readonly bytesMax: number };

export interface ApiRoute {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** With parameters in braces, as OpenAPI has them. */
  readonly path: string;
  /** The parameter at the end of the path takes all that follows, slashes as well. Default false. */
  readonly takesRest?: boolean;
  /** Its name in the OpenAPI document, of which programs make the names of functions: it stays. Pages have none. */
  readonly operationId?: string;
  readonly summary: string;
  readonly tag: string;
  /**
   * What a key must be allowed; `any`: nothing, but there must be one; `public`: anybody may ask, without a key; `owner`: a
   * user who is signed in, and no key.
   */
  readonly scope: Scope | 'any' | 'public' | 'owner';
  /** Users who are signed in may ask too, as the owners of their devices. */
  readonly allowsOwners?: boolean;
  /** For people: it answers HTML, also where something is wrong, and users may be signed in. */
  readonly isPage?: boolean;
  readonly params: TObject;
  readonly query: TObject;
  /** Undefined: no body is taken. */
  readonly body: TSchema | undefined;
  readonly bodyKind: BodyKind;
  /** The answer when all went well; undefined: none, or no JSON. */
  readonly answer: TSchema | undefined;
  readonly status: number;
  /** The answer holds what is shown once: it is not kept for who repeats the request. */
  readonly isSecret: boolean;
  readonly handle: (call: ApiCall<never, never, never>) => Awaitable<ApiAnswer<unknown>>;
}

interface RouteForm<P extends TObject, Q extends TObject, B extends TSchema, A extends TSchema>
  extends Pick<
    ApiRoute,
    'method' | 'path' | 'takesRest' | 'operationId' | 'summary' | 'tag' | 'scope' | 'allowsOwners' | 'isPage'
  > {
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  readonly bodyKind?: BodyKind;
  readonly answer?: A;
  readonly status?: number;
  readonly isSecret?: boolean;
  readonly handle: (call: ApiCall<Static<P>, Static<Q>, Static<B>>) => Awaitable<ApiAnswer<Static<A>>>;
}

/** No others than those that a schema names. */
export const CLOSED = { additionalProperties: false } as const;
const NOTHING = Type.Object({}, CLOSED);

/** Whether a request without a body is one with `{}`. */
export function takesNothing({ method, body, bodyKind }: Pick<ApiRoute, 'method' | 'body' | 'bodyKind'>): boolean {
  const { type, required = [] } = (body ?? {}) as { readonly type?: string; readonly required?: readonly string[] };
  return method === 'POST' && bodyKind === 'json' && type === 'object' && required.length === 0;
}

/** Ties the handler of a route to its schemas. */
export function route<
  P extends TObject = typeof NOTHING,
  Q extends TObject = typeof NOTHING,
  B extends TSchema = TSchema,
  A extends TSchema = TSchema,
>(form: RouteForm<P, Q, B, A>): ApiRoute {
  const { params = NOTHING, query = NOTHING, body, bodyKind = 'json', answer, status = 200, isSecret = false } = form;
  return {
    ...form,
    params,
    query,
    body,
    bodyKind,
    answer,
    status,
    isSecret,
    handle: form.handle as ApiRoute['handle'],
  };
}
