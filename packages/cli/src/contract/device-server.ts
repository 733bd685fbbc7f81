/** A server with devices for the tests of one file: types with tokens and certificates, and the tool run against it. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { connect } from '@dunlin/client/node';
import { newAuthority, newMasterKeyText, parseMasterKey } from '@dunlin/devices';
import { type RunningServer, readConfigurationFile, startServer } from '@dunlin/server';
import { run } from '../tool.ts';
import { RecordedTerminal } from './recorded-terminal.ts';

const CONFIGURATION = `
listeners:
  - { name: mqtt, port: 0 }
  - { name: web, transport: ws, port: 0, api: true }
data: data
authorities: [{ name: fleet, certificate: ca.pem }]
authentication: [{ name: fleet, method: devices }]
devices:
  authority: { name: fleet, certificate: ca.pem, key: ca.key }
  masterKey: { file: ../master.key }
  types:
    camera:
      credential: token
      clientId: { template: '{space}-{deviceId}', equals: { space: '{attr.space}', deviceId: '{deviceId}' } }
      requiredAttributes: [thing, space]
      rules: [{ allow: subscribe, topics: 'things/{attr.thing}' }, { allow: publish, topics: 'things/{attr.thing}/done' }]
      commands:
        wake: { topic: 'things/{attr.thing}', payload: { id: '{commandId}', do: wake }, ttlS: 60 }
        ring: { topic: 'things/{attr.thing}', payload: { id: '{commandId}' }, supersedes: true }
        record:
          topic: 'things/{attr.thing}'
          payload: { id: '{commandId}', do: record, input: '{input}' }
          inputSchema: { type: object, properties: { seconds: { type: integer } }, required: [seconds] }
          acknowledgement: { topic: 'things/{attr.thing}/done', id: /id, failure: { pointer: /state, values: [failed] } }
    player: { credential: certificate }
    lamp: { credential: token, claimable: true, claimAttributes: [model] }
`;

/** An authority of its own takes a while to make: one for all directories of a file. */
const key = newMasterKeyText();
const { issuing } = newAuthority({ name: 'test', nowMs: Date.now(), masterKey: parseMasterKey(key, 'test') });

/** A directory with the configuration `dunlin.yaml`; it is removed behind the tests. */
export function deviceDirectory(): string {
  const above = mkdtempSync(join(tmpdir(), 'dunlin-cli-devices-'));
  after(() => rmSync(above, { recursive: true, force: true }));
  const directory = mkdtempSync(join(above, 'server-'));
  writeFileSync(join(above, 'master.key'), key, { mode: 0o600 });
  writeFileSync(join(directory, 'dunlin.yaml'), CONFIGURATION);
  writeFileSync(join(directory, 'ca.pem'), issuing.certificate);
  writeFileSync(join(directory, 'ca.key'), issuing.key, { mode: 0o600 });
  return directory;
}

/** The server of a directory, on free ports. */
export async function startDevices(directory: string): Promise<RunningServer & AsyncDisposable> {
  const server = await startServer(readConfigurationFile(join(directory, 'dunlin.yaml')));
  return Object.assign(server, { [Symbol.asyncDispose]: () => server.stop() });
}

/** A run of the tool. */
export interface Ran {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
}

export type Dunlin = (...argv: string[]) => Promise<Ran>;

/** The tool with the configuration of the directory, whether a server runs there or not. */
export function dunlinAt(directory: string): Dunlin {
  return async (...argv) => {
    const terminal = new RecordedTerminal();
    const exitCode = await run([...argv, '--config', join(directory, 'dunlin.yaml')], terminal);
    return { exitCode, out: terminal.out, err: terminal.err };
  };
}

/** The tool with the URL of the server and a key that may do everything. */
export async function dunlinByUrl(server: RunningServer): Promise<Dunlin> {
  const scopes = ['devices', 'credentials', 'certificates', 'commands', 'claims'].map((what) => `${what}:write`);
  const body = { name: 'test', scopes: [...scopes, 'devices:read', 'keys:write', 'audit:read'] };
  const made = await server.api({ method: 'POST', path: '/api/v1/keys', body });
  const url = `http://127.0.0.1:${server.listeners[1].port}`;
  return async (...argv) => {
    const terminal = new RecordedTerminal();
    terminal.environment.DUNLIN_API_KEY = JSON.parse(made.body).key;
    const exitCode = await run([...argv, '--url', url], terminal);
    return { exitCode, out: terminal.out, err: terminal.err };
  };
}

/** Adds `cam-1` with a token, which is returned. */
export async function addCamera(dunlin: Dunlin, id = 'cam-1'): Promise<string> {
  const attributes = ['--attribute', 'thing=t1', '--attribute', 'space=s1'];
  const added = await dunlin('device', 'add', id, '--type', 'camera', ...attributes);
  const { out, err, exitCode } = await dunlin('device', 'token', id);
  if (added.exitCode !== 0 || exitCode !== 0) throw new Error(`${added.err}${err}`);
  return out.trimEnd();
}

/** The camera, connected; it does not come again by itself. */
export function connectCamera(server: RunningServer, token: string, clientId = 's1-cam-1', username = 'cam-1') {
  const url = `mqtt://127.0.0.1:${server.listeners[0].port}`;
  return connect(url, { clientId, username, password: token, reconnect: false });
}
