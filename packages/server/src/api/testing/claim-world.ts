/** A server with an authority and two users, devices that ask for a place, and visitors with cookies, for tests of claims. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '@dunlin/broker';
import { type BegunClaim, MasterKey, newAuthority } from '@dunlin/devices';
import { hashPassword } from '@dunlin/identity';
import type { ConfigurationInput } from '../../configuration.ts';
import type { ServerEvent } from '../../events.ts';
import { type RunningServer, startServer } from '../../server.ts';
import { systemClock } from '../../system-clock.ts';

export const PASSWORDS = { ada: 'a long password', bob: 'another one' } as const;

const TYPES = {
  frame: {
    credential: 'certificate',
    claimable: true,
    claimAttributes: ['model'],
    rules: [{ allow: 'all', topics: 'frames/{username}/#' }],
  },
  lamp: { credential: 'token', claimable: true },
} as const;

export interface ClaimWorld extends AsyncDisposable {
  readonly server: RunningServer;
  /** Of the listener that answers the API. */
  readonly origin: string;
  readonly events: ServerEvent[];
  /** Lets time pass for the server. */
  pass(ms: number): void;
  /** A device asks for a place. */
  begin(type?: string, more?: object): Promise<BegunClaim>;
  collect(claim: Pick<BegunClaim, 'claimId' | 'secret'>): Promise<Response>;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
  /** Takes a user away, by a reload. */
  without(user: string): Promise<void>;
}

export async function openClaimWorld(more: ConfigurationInput = {}): Promise<ClaimWorld> {
  const directory = mkdtempSync(join(tmpdir(), 'dunlin-claims-'));
  const key = randomBytes(32);
  const { issuing } = newAuthority({ name: 'Test', nowMs: Date.now(), masterKey: new MasterKey(key, 'a test') });
  const file = (name: string, text: string): string => {
    writeFileSync(join(directory, name), text, { mode: 0o600 });
    return join(directory, name);
  };
  const certificate = file('ca.pem', issuing.certificate);
  const users = await Promise.all(
    Object.entries(PASSWORDS).map(async ([name, text]) => ({ name, password: await hashPassword(Buffer.from(text)) })),
  );
  let passedMs = 0;
  const clock: Clock = {
    ...systemClock,
    nowMs: () => systemClock.nowMs() + passedMs,
    steadyMs: () => systemClock.steadyMs() + passedMs,
  };
  const events: ServerEvent[] = [];
  const configuration: ConfigurationInput = {
    listeners: [{ name: 'web', transport: 'ws', port: 0, api: true }],
    authorities: [{ name: 'devices', certificate }],
    authentication: [{ method: 'users', users }, { method: 'devices' }],
    devices: {
      types: TYPES,
      authority: { certificate, key: file('ca.key', issuing.key) },
      masterKey: { file: file('master.key', `${key.toString('base64')}\n`) },
    },
    api: { strangerRequestsPerSecondMax: 10_000 },
    ...more,
  };
  const server = await startServer(configuration, { clock, onEvent: (event) => events.push(event) });
  const [{ port }] = server.listeners;
  const origin = `http://127.0.0.1:${port}`;
  const post: ClaimWorld['post'] = (path, body, headers = {}) =>
    fetch(origin + path, {
      method: 'POST',
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  return {
    server,
    origin,
    events,
    pass: (ms) => {
      passedMs += ms;
    },
    begin: async (type = 'frame', said = {}) =>
      (await post('/api/v1/claims', { type, ...said })).json() as Promise<BegunClaim>,
    collect: ({ claimId, secret }) =>
      post(`/api/v1/claims/${claimId}/collect`, undefined, { 'x-claim-secret': secret }),
    post,
    without: async (user) => {
      const left = users.filter(({ name }) => name !== user);
      await server.reload({
        ...configuration,
        authentication: [{ method: 'users', users: left }, { method: 'devices' }],
      });
    },
    async [Symbol.asyncDispose]() {
      await server.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** A browser as far as HTTP goes: it keeps a cookie and sends forms of the page that it sees. */
export class Visitor {
  readonly #origin: string;
  cookie = '';
  page = '';

  constructor(origin: string) {
    this.#origin = origin;
  }

  async get(path = '/claim'): Promise<Response> {
    const response = await fetch(this.#origin + path, { headers: { cookie: this.cookie } });
    this.page = await response.clone().text();
    return response;
  }

  /** With the token of the page last seen; redirects are not followed. */
  async form(name: string, fields: Record<string, string>, headers: Record<string, string> = {}): Promise<Response> {
    const response = await fetch(`${this.#origin}/claim/${name}`, {
      method: 'POST',
      redirect: 'manual',
      headers: {
        cookie: this.cookie,
        'content-type': 'application/x-www-form-urlencoded',
        origin: this.#origin,
        ...headers,
      },
      body: new URLSearchParams({ formToken: this.formToken, ...fields }).toString(),
    });
    const set = response.headers.get('set-cookie');
    if (set !== null) this.cookie = set.split(';')[0];
    this.page = await response.clone().text();
    return response;
  }

  get formToken(): string {
    return /name="formToken" value="([\w-]+)"/.exec(this.page)?.[1] ?? '';
  }

  /** What the page tells in its note. */
  get note(): string {
    return /<div class="note[^>]*><p>(.*?)<\/p>/.exec(this.page)?.[1] ?? '';
  }

  static async signedIn(origin: string, username: keyof typeof PASSWORDS = 'ada'): Promise<Visitor> {
    const visitor = new Visitor(origin);
    await visitor.form('sign-in', { username, password: PASSWORDS[username] });
    await visitor.get();
    return visitor;
  }
}
