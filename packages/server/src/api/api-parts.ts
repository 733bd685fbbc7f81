/** What the API is made of and asked with, and what is known of a request while it passes. */
import type { IncomingMessage } from 'node:http';
import type { Clock } from '@dunlin/broker';
import type { HttpVisit } from '@dunlin/transport';
import type { FastifyRequest } from 'fastify';
import type { AnsweredRequests } from './answered-requests.ts';
import type { ApiKeys } from './api-keys.ts';
import type { ApiRoute } from './api-route.ts';
import type { OwnerSessions } from './owner-sessions.ts';
import type { ApiProblem, ProblemCode } from './problems.ts';
import type { Caller } from './scopes.ts';
import type { Strangers } from './strangers.ts';

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

/** What is known of a request while it passes. */
export interface Passage {
  caller: Caller;
  /** Where it carries an Idempotency-Key and is the first with it. */
  first: { readonly key: string; readonly hash: string } | undefined;
}

/** What the steps before a route have to know of it. */
export type RouteConfig = Pick<ApiRoute, 'scope' | 'allowsOwners' | 'isPage'>;

/** Where there is no such route: as of one that any key opens. */
export function configOf({ routeOptions }: FastifyRequest): RouteConfig {
  const { scope = 'any', ...rest } = routeOptions.config as Partial<RouteConfig>;
  return { scope, ...rest };
}

/** Where a request came from; empty where it came by the control socket. */
export function addressOf({ raw }: FastifyRequest, { visitOf }: ApiParts): string {
  return visitOf(raw)?.peer.address ?? '';
}
