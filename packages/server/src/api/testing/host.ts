/** An API of its own for the tests beside it: tables in memory, a clock that stands, a listener's place before it. */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Clock, MemoryTable, type Table, type TableDefinition } from '@dunlin/broker';
import { openAudit } from '../../audit.ts';
import { systemClock } from '../../system-clock.ts';
import { ApiHost, type ApiOptions, type ApiSettings, type LocalRequest } from '../api-host.ts';
import type { ApiVisit } from '../api-parts.ts';
import { OwnerSessions } from '../owner-sessions.ts';

export class StandingClock implements Clock {
  ms = 1_700_000_000_000;
  nowMs = (): number => this.ms;
  steadyMs = (): number => this.ms;
  every = systemClock.every;
  endOfTurn = systemClock.endOfTurn;
}

export const SETTINGS: ApiSettings = {
  requestsPerSecondMax: 1_000,
  strangerRequestsPerSecondMax: 1_000,
  requestsMax: 100,
  bodyBytesMax: 4_096,
  keysMax: 10,
  idempotencyS: 86_400,
  idempotencyEntriesMax: 100,
};

/** The same tables for whoever opens them again. */
export class MemoryTables {
  readonly #opened = new Map<string, unknown>();

  table<T>(definition: TableDefinition<T>): Table<T> {
    const known = this.#opened.get(definition.name) ?? new MemoryTable(definition);
    this.#opened.set(definition.name, known);
    return known as Table<T>;
  }
}

export interface TestApi extends AsyncDisposable {
  readonly host: ApiHost;
  readonly clock: StandingClock;
  readonly url: string;
  /** What the server failed at. */
  readonly failures: unknown[];
  /** Whom it turned away: who, from where, why. */
  readonly refusals: string[];
  /** Limits that acted: which, who met it, what was told of it. */
  readonly limits: string[];
  /** What the listener says of whoever comes next. */
  visit: ApiVisit;
  /** As local administrator; the body is read as JSON where it is one. */
  local(request: LocalRequest): Promise<{ status: number; headers: Readonly<Record<string, string>>; body: Body }>;
  /** Over HTTP, with an API key. */
  send(path: string, options?: RequestInit & { readonly key?: string }): Promise<Response>;
}

// biome-ignore lint/suspicious/noExplicitAny: whatever the API answers
type Body = any;

export const VISIT: ApiVisit = {
  peer: {
    address: '192.0.2.7',
    port: 4711,
    serverName: undefined,
    certificate: undefined,
  } as unknown as ApiVisit['peer'],
  isOwnHost: true,
  isFromAllowedOrigin: true,
  listener: 'web',
};

export async function openTestApi(
  options: Partial<Omit<ApiOptions, 'settings'>> & { readonly settings?: Partial<ApiSettings> } = {},
): Promise<TestApi> {
  const clock = new StandingClock();
  const failures: unknown[] = [];
  const refusals: string[] = [];
  const limits: string[] = [];
  const audit = await openAudit({
    ...{ tables: options.tables ?? new MemoryTables(), clock },
    ...{ entriesMax: 1_000, tell: () => {} },
  });
  const host = await ApiHost.open({
    clock,
    localName: 'local',
    routes: [],
    problemOf: () => undefined,
    failed: (_requestId, error) => void failures.push(error),
    guard: { isBanned: () => false, failedElsewhere: () => 0 },
    configuredKeys: [],
    refused: ({ by, address, code }) => void refusals.push(`${by} ${address} ${code}`),
    limitReached: (limit, by, detail) => void limits.push(`${limit} ${by} ${detail}`),
    owners: new OwnerSessions(clock, { ownerSessionsMax: 10, sessionsPerOwnerMax: 5 }, () => {}),
    problemPage: ({ message }) => ({ body: message, headers: {} }),
    version: '1.2.3',
    ...options,
    tables: audit.tables,
    audit,
    settings: { ...SETTINGS, ...options.settings },
  });
  const server = createServer((request: IncomingMessage, response) =>
    host.take(request, response, { ...api.visit, listener: 'web' }),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const api: TestApi = {
    host,
    clock,
    url,
    failures,
    refusals,
    limits,
    visit: VISIT,
    async local(request) {
      const { status, headers, body } = await host.local(request);
      return { status, headers, body: headers['content-type']?.includes('json') ? JSON.parse(body) : body };
    },
    send: (path, { key, headers, ...rest } = {}) =>
      fetch(`${url}${path}`, { ...rest, headers: { ...(key && { authorization: `Bearer ${key}` }), ...headers } }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await host.close();
    },
  };
  return api;
}

/** An API key with these scopes. */
export async function keyWith(api: TestApi, scopes: readonly string[], more: object = {}): Promise<string> {
  const { body } = await api.local({ method: 'POST', path: '/api/v1/keys', body: { name: 'test', scopes, ...more } });
  return body.key;
}
