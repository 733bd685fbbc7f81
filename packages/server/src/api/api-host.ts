/** Where the API is asked: by requests of listeners, and by the control socket and the program as local administrator. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '@dunlin/broker';
import type { Tables } from '@dunlin/devices';
import type { FastifyInstance } from 'fastify';
import type { ServerAudit } from '../audit.ts';
import { requestIds } from './answer-headers.ts';
import { ANSWERED_TABLE, AnsweredRequests } from './answered-requests.ts';
import { apiApplication } from './api-application.ts';
import { API_KEYS_TABLE, ApiKeys } from './api-keys.ts';
import type { ApiLimits, ApiParts, ApiVisit } from './api-parts.ts';
import type { ApiRoute } from './api-route.ts';
import { auditRoutes } from './audit-routes.ts';
import type { ConfiguredKey } from './configured-keys.ts';
import { keyRoutes } from './key-routes.ts';
import { answerOverLimit, type OverLimitParts, showsNothing } from './over-limit.ts';
import type { ApiProblem } from './problems.ts';
import { type LocalName, localCaller } from './scopes.ts';
import { Strangers } from './strangers.ts';

export interface ApiSettings extends ApiLimits {
  readonly keysMax: number;
  readonly idempotencyS: number;
  readonly idempotencyEntriesMax: number;
  /** Pages elsewhere that may ask. Default: none. */
  readonly cors?: { readonly origins: readonly string[] };
}

export interface ApiOptions {
  readonly tables: Tables;
  /** What is written down of the changes of these tables. */
  readonly audit: Pick<ServerAudit, 'log' | 'refusals'>;
  /** How whoever asks by `local` is called. */
  readonly localName: LocalName;
  readonly clock: Clock;
  readonly settings: ApiSettings;
  /** What the API offers beside its own keys and audit log. */
  readonly routes: readonly ApiRoute[];
  readonly problemOf: (error: unknown) => ApiProblem | undefined;
  readonly failed: ApiParts['failed'];
  readonly refused: ApiParts['refused'];
  /** Told when a limit acts; `by`: whom it met, empty where that is nobody. */
  readonly limitReached: (limit: string, by: string, detail: string) => void;
  readonly owners: ApiParts['owners'];
  readonly problemPage: ApiParts['problemPage'];
  readonly guard: ApiParts['guard'];
  /** Keys that no table holds. */
  readonly configuredKeys: readonly ConfiguredKey[];
  readonly version: string;
}

/** A request of the local administrator. */
export interface LocalRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Path and query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON, or a text of the `content-type` among the headers. */
  readonly body?: unknown;
}

export interface LocalAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export class ApiHost {
  readonly #app: FastifyInstance;
  readonly #visits: WeakMap<IncomingMessage, ApiVisit>;
  readonly #strangers: Strangers;
  readonly #overLimit: OverLimitParts;
  readonly #tables: readonly { close(): Promise<void> }[];
  /** What lets each go that waits. */
  readonly #underWay: ReadonlyMap<Promise<unknown>, () => void>;

  private constructor(
    app: FastifyInstance,
    visits: WeakMap<IncomingMessage, ApiVisit>,
    { strangers, ...overLimit }: OverLimitParts & { readonly strangers: Strangers },
    tables: readonly { close(): Promise<void> }[],
    underWay: ReadonlyMap<Promise<unknown>, () => void>,
  ) {
    this.#app = app;
    this.#visits = visits;
    this.#strangers = strangers;
    this.#overLimit = overLimit;
    this.#tables = tables;
    this.#underWay = underWay;
  }

  static async open({ tables, audit, localName, ...options }: ApiOptions): Promise<ApiHost> {
    const { clock, settings, routes, configuredKeys, limitReached, ...rest } = options;
    const { keysMax, idempotencyS, idempotencyEntriesMax } = settings;
    const visits = new WeakMap<IncomingMessage, ApiVisit>();
    const [keyTable, answeredTable] = [tables.table(API_KEYS_TABLE), tables.table(ANSWERED_TABLE)];
    const underWay = new Map<Promise<unknown>, () => void>();
    const opened = [keyTable, answeredTable];
    try {
      const keys = new ApiKeys(
        keyTable,
        clock,
        { keysMax, full: (by) => limitReached('keysMax', by, `there are ${keysMax} API keys`) },
        configuredKeys,
      );
      const answered = new AnsweredRequests(answeredTable, clock, {
        keptMs: idempotencyS * 1_000,
        entriesMax: idempotencyEntriesMax,
        madeRoom: (answers) =>
          limitReached('idempotencyEntriesMax', '', `${answers} of the oldest answers made room before their time`),
      });
      const corsOrigins = settings.cors?.origins ?? [];
      const began: ApiParts['began'] = (work, leave) => {
        underWay.set(work, leave);
        const over = (): void => void underWay.delete(work);
        work.then(over, over);
      };
      const newRequestId = requestIds();
      const strangers = new Strangers({ clock, guard: rest.guard, limits: settings, began });
      const app = await apiApplication({
        ...rest,
        clock,
        keys,
        answered,
        local: localCaller(localName),
        routes: [...routes, ...keyRoutes(keys), ...auditRoutes(audit)],
        limits: settings,
        strangers,
        newRequestId,
        corsOrigins,
        visitOf: (request) => visits.get(request),
        began,
      });
      const { problemPage, refused } = rest;
      return new ApiHost(app, visits, { strangers, newRequestId, corsOrigins, problemPage, refused }, opened, underWay);
    } catch (error) {
      await Promise.all(opened.map((table) => table.close()));
      throw error;
    }
  }

  /** Answers a request that came over a listener. */
  take(request: IncomingMessage, response: ServerResponse, visit: ApiVisit | undefined): void {
    // Whoever came by no listener is told so by the application.
    const address = visit?.peer.address;
    const problem = address !== undefined && showsNothing(request) ? this.#strangers.limited(address) : undefined;
    if (address !== undefined && problem !== undefined) {
      answerOverLimit(this.#overLimit, request, response, problem, address);
      return;
    }
    if (visit !== undefined) this.#visits.set(request, visit);
    this.#app.routing(request, response);
  }

  /** Answers whoever may use the files of the server: it may do everything. */
  async local({ method, path, headers = {}, body }: LocalRequest): Promise<LocalAnswer> {
    const isJson = body !== undefined && headers['content-type'] === undefined;
    const answer = await this.#app.inject({
      method,
      url: path,
      headers: isJson ? { ...headers, 'content-type': 'application/json' } : { ...headers },
      ...(body !== undefined && { payload: isJson ? JSON.stringify(body) : String(body) }),
    });
    const told = Object.entries(answer.headers).map(([name, value]) => [name, String(value)]);
    return { status: answer.statusCode, headers: Object.fromEntries(told), body: answer.body };
  }

  /** Settles when requests under way are answered. */
  async close(): Promise<void> {
    for (const leave of this.#underWay.values()) leave();
    await this.#app.close();
    // Also those whose caller has gone.
    await Promise.allSettled(this.#underWay.keys());
    await Promise.all(this.#tables.map((table) => table.close()));
  }
}
