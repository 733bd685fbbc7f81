/** A server for two kinds of devices, from an empty directory: every way in, an authority of its own, and the API. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newAuthority, newMasterKeyText, parseMasterKey } from '@dunlin/devices';
import type { ConfigurationInput, LocalRequest, RunningServer } from '@dunlin/server';
import { GuardedServer } from '../doors/guarded-server.ts';
import { makePki, type Pki } from '../pki/pki.ts';

// biome-ignore lint/suspicious/noExplicitAny: whatever the API answers
type Body = any;
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Body;
}
export type Ask = (method: LocalRequest['method'], path: string, body?: unknown) => Promise<Answer>;

export const SCOPES = [
  'devices:read',
  'devices:write',
  'credentials:write',
  'commands:write',
  'certificates:write',
  'audit:read',
] as const;

/** Cameras come with a token and a Client Identifier of a form, players with a certificate, frames and screens by a claim, sensors as they like. */
export const TYPES = {
  camera: {
    credential: 'token',
    clientId: {
      template: '{partner}-{clientId}-{space}-{deviceId}',
      patterns: { clientId: 'word' },
      equals: { partner: '{attr.partner}', space: '{attr.space}', deviceId: '{deviceId}' },
    },
    requiredAttributes: ['thingName', 'partner', 'space'],
    uniqueAttributes: ['thingName'],
    rules: [{ allow: 'subscribe', topics: 'device/things/{attr.thingName}/message' }],
    presence: { topic: 'presence/{deviceId}' },
    commands: {
      wake: { topic: 'device/things/{attr.thingName}/message', payload: { message_id: '{commandId}' }, ttlS: 600 },
    },
  },
  player: {
    credential: 'certificate',
    rules: [
      { allow: 'subscribe', topics: ['player/{username}/command', 'player/{username}/response/+'] },
      {
        allow: 'publish',
        topics: ['player/{username}/status', 'player/{username}/request/+', 'player/{username}/done'],
      },
    ],
    commands: {
      show: {
        topic: 'player/{deviceId}/command',
        payload: { id: '{commandId}', show: '{input}' },
        inputSchema: { type: 'string', maxLength: 100 },
        ttlS: 600,
        acknowledgement: { topic: 'player/{deviceId}/done', id: '/id' },
      },
    },
  },
  frame: { credential: 'certificate', claimable: true, rules: [{ allow: 'publish', topics: 'frames/{username}' }] },
  screen: {
    credential: 'certificate',
    claimable: true,
    presence: { topic: 'screens/{deviceId}' },
    commands: { show: { topic: 'screen/{deviceId}', payload: { id: '{commandId}' }, ttlS: 600 } },
  },
  sensor: { rules: [{ allow: ['publish', 'subscribe'], topics: 'sensors/{username}/#' }] },
} as const;

export function camera(id: string): object {
  return { id, type: 'camera', attributes: { thingName: `thing-${id}`, partner: 'p1', space: 's1' } };
}

/** What a camera shows. */
export function cameraConnect(id: string, token: string) {
  return { clientId: `p1-c1-s1-${id}`, username: id, password: token };
}

export interface FleetFiles {
  readonly directory: string;
  readonly path: (file: string) => string;
  /** The certificate of the server, and an authority that is not that of the devices: `ca.pem`, `other-ca.pem`. */
  readonly pki: Pki;
  readonly masterKey: string;
}

/** Authority, master key and the certificate of the server, in a folder. */
export function fleetFiles(directory: string): FleetFiles {
  const path = (file: string): string => join(directory, file);
  const pki = makePki(directory);
  const masterKey = newMasterKeyText();
  const { issuing } = newAuthority({
    name: 'Fleet',
    nowMs: Date.now(),
    masterKey: parseMasterKey(masterKey, 'a test'),
  });
  writeFileSync(path('devices-ca.pem'), issuing.certificate);
  writeFileSync(path('devices-ca.key'), issuing.key, { mode: 0o600 });
  writeFileSync(path('master.key'), masterKey, { mode: 0o600 });
  return { directory, path, pki, masterKey };
}

/** The whole configuration; listeners `mqtt`, `tls`, `wss`, `web` (with the API) and `proxied`. */
export function fleetConfiguration({ path, pki }: FleetFiles): ConfigurationInput {
  const tls = {
    certificate: pki.path('server.pem'),
    key: pki.path('server.key'),
    clientCertificate: 'optional',
  } as const;
  return {
    listeners: [
      { name: 'mqtt' },
      { name: 'tls', transport: 'tls', tls },
      { name: 'wss', transport: 'wss', tls },
      { name: 'web', transport: 'ws', api: true },
      {
        name: 'proxied',
        transport: 'ws',
        proxy: { trusted: ['127.0.0.1'], forwardedFor: true, clientCertificateHeader: 'Client-Cert' },
      },
    ],
    data: path('data'),
    authorities: [
      { name: 'devices', certificate: path('devices-ca.pem') },
      { name: 'others', certificate: pki.path('other-ca.pem') },
    ],
    authentication: [{ name: 'fleet', method: 'devices' }],
    guard: {
      userDelayAfter: 100_000,
      addressDelayAfter: 100_000,
      addressBanAfter: 100_000,
      userAtAddressBanAfter: 100_000,
    },
    devices: {
      types: TYPES,
      authority: { name: 'devices', certificate: path('devices-ca.pem'), key: path('devices-ca.key') },
      masterKey: { file: path('master.key') },
    },
  };
}

/** A running fleet: the server with its events, and its API as local administrator. */
export class FleetServer {
  readonly guarded: GuardedServer;
  readonly files: FleetFiles;

  private constructor(guarded: GuardedServer, files: FleetFiles) {
    this.guarded = guarded;
    this.files = files;
  }

  /** Stopped behind the tests of the file. */
  static async start(files: FleetFiles, change: Partial<ConfigurationInput> = {}): Promise<FleetServer> {
    return new FleetServer(await GuardedServer.start({ ...fleetConfiguration(files), ...change }), files);
  }

  get running(): RunningServer {
    return this.guarded.running as RunningServer;
  }

  /** As local administrator. */
  readonly ask: Ask = async (method, path, body) => {
    const {
      status,
      headers,
      body: text,
    } = await this.running.api({ method, path, ...(body !== undefined && { body }) });
    return { status, headers, body: /json/.test(headers['content-type'] ?? '') ? JSON.parse(text) : text };
  };

  /** As `ask`, for what must go well. */
  async done(method: LocalRequest['method'], path: string, body?: unknown): Promise<Answer['body']> {
    const answer = await this.ask(method, path, body);
    assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  get web(): string {
    return `http://127.0.0.1:${this.guarded.port('web')}`;
  }

  /** An API key with these scopes. */
  async key(scopes: readonly string[] = SCOPES): Promise<string> {
    return (await this.done('POST', '/api/v1/keys', { name: 'test', scopes })).key;
  }

  /** Over HTTP with an API key. */
  async http(key: string, path: string, options: RequestInit = {}): Promise<Answer> {
    const answer = await fetch(`${this.web}${path}`, {
      ...options,
      headers: { authorization: `Bearer ${key}`, ...options.headers },
    });
    const text = await answer.text();
    const headers = Object.fromEntries(answer.headers);
    return {
      status: answer.status,
      headers,
      body: /json/.test(headers['content-type'] ?? '') ? JSON.parse(text) : text,
    };
  }

  /** Adds a camera and returns a token of it. */
  async camera(id: string): Promise<string> {
    await this.done('POST', '/api/v1/devices', camera(id));
    return (await this.done('POST', `/api/v1/devices/${id}/tokens`, {})).token;
  }

  /** Adds a player and returns its certificate, ready for a TLS client. */
  async player(id: string): Promise<{ serial: string; cert: string; key: string; ca: string }> {
    await this.done('POST', '/api/v1/devices', { id, type: 'player' });
    return await this.certificate(id);
  }

  async certificate(id: string): Promise<{ serial: string; cert: string; key: string; ca: string }> {
    const { serial, chain, key } = await this.done('POST', `/api/v1/devices/${id}/certificates`, { generateKey: true });
    return { serial, cert: chain, key, ca: this.files.pki.text('ca.pem') };
  }
}

/** For texts that nobody else has. */
export function unique(prefix: string): string {
  return `${prefix}-${randomBytes(6).toString('hex')}`;
}
