/**
 * A fleet as each broker remembers it before a restart: 10,000 devices with tokens and 2,000 with certificates, and the files
 * that mqload takes their names and secrets from.
 */
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  DeviceService,
  DeviceTypes,
  IssuingAuthority,
  newAuthority,
  newMasterKeyText,
  parseMasterKey,
} from '@dunlin/devices';
import { PasswordVerifier } from '@dunlin/identity';
import { openLmdb } from '@dunlin/lmdb';
import { API_KEYS_TABLE, ApiKeys } from '../packages/server/src/api/api-keys.ts';
import { completeDevices, deviceTypes } from '../packages/server/src/device-configuration.ts';
import { systemClock } from '../packages/server/src/system-clock.ts';
import { writeCertificates } from './locks.ts';

/** Devices of each kind. */
export const TOKEN_DEVICES = 10_000;
export const CERTIFICATE_DEVICES = 2_000;
/** Devices that are registered at once: their writes share commits. */
const AT_ONCE = 500;
const PARTNER = '6f1c0c9e-0a4f-4a53-8f6e-0b7a3b1d2c55';
const by = 'bench';

/** The Client Identifier is partner-client-space-device, as in the fleet of cameras that the service was made for. */
const CAMERA = {
  credential: 'token',
  clientId: {
    template: '{partner}-{client}-{space}-{device}',
    patterns: { client: 'digits' },
    equals: { partner: '{attr.partner}', space: '{attr.space}', device: '{deviceId}' },
  },
  requiredAttributes: ['thing', 'partner', 'space'],
  rules: [{ allow: 'subscribe', topics: 'device/things/{attr.thing}/message' }],
  presence: { topic: 'dunlin/presence/{deviceId}' },
  commands: {
    wake: {
      topic: 'device/things/{attr.thing}/message',
      payload: { message_id: '{commandId}', type: 'WakeUP', timestamp: '{nowS}', body: { deviceId: '{deviceId}' } },
      ttlS: 60,
      qos: 1,
    },
  },
} as const;
const PLAYER = {
  credential: 'certificate',
  rules: [{ allow: ['publish', 'subscribe'], topics: 'player/{username}/#' }],
  presence: { topic: 'dunlin/presence/{deviceId}' },
} as const;

/** The configuration of Dunlin for the fleet; JSON is YAML. */
export const dunlinFleetLines = [
  'listeners:',
  '  - {transport: tcp, host: 127.0.0.1, port: $PORT}',
  '  - {transport: tls, host: 127.0.0.1, port: $TLS_PORT, tls: {certificate: server.pem, key: server.key, clientCertificate: required}}',
  '  - {transport: ws, host: 127.0.0.1, port: $API_PORT, api: true}',
  'authorities: [{name: devices, certificate: devices-ca.pem}]',
  'authentication: [{method: devices}]',
  'devices:',
  '  authority: {certificate: devices-ca.pem, key: devices-ca.key}',
  '  masterKey: {file: master.key}',
  '  types:',
  `    camera: ${JSON.stringify(CAMERA)}`,
  `    player: ${JSON.stringify(PLAYER)}`,
  'api: {requestsPerSecondMax: 1000000}',
  'data: data',
];

/** The same fleet: tokens in a password file, certificates that name their user. */
export const mosquittoFleetLines = [
  'per_listener_settings true',
  'max_queued_messages 0',
  'max_inflight_messages 1000',
  'set_tcp_nodelay true',
  'user root',
  'listener $PORT 127.0.0.1',
  'allow_anonymous false',
  'password_file $FOLDER/passwords',
  'listener $TLS_PORT 127.0.0.1',
  'cafile $FOLDER/devices-ca.pem',
  'certfile $FOLDER/server.pem',
  'keyfile $FOLDER/server.key',
  'require_certificate true',
  'use_identity_as_username true',
];

/** A name and secret that mqload connects with; the fields of a line of its `--identities`. */
interface Identity {
  readonly clientId: string;
  readonly username: string;
  readonly password: string;
  readonly topic: string;
  /** PEM file with the certificate and its key; empty: none. */
  readonly certificate: string;
}

/** Registers the fleet in `<folder>/data`, as a server has it that was stopped. */
export async function writeDunlinFleet(folder: string): Promise<void> {
  await writeCertificates(folder);
  const { authority, write } = makeAuthority();
  write(folder);
  const tables = await openLmdb({ directory: join(folder, 'data'), durability: 'process' });
  const service = await DeviceService.open({
    ...{ tables, clock: systemClock, tell: () => {}, verifier: new PasswordVerifier(), authority },
    types: new DeviceTypes(deviceTypes(completeDevices({ types: { camera: CAMERA, player: PLAYER } }))),
  });
  writeIdentities(folder, 'tokens', await inSlices(TOKEN_DEVICES, (n) => addCamera(service, n)));
  writeIdentities(folder, 'certificates', await inSlices(CERTIFICATE_DEVICES, (n) => addPlayer(service, n, folder)));
  const apiKeys = tables.table(API_KEYS_TABLE);
  const { key } = await new ApiKeys(apiKeys, systemClock, { keysMax: 10, full: () => {} }).add({
    name: by,
    scopes: ['commands:write'],
    by,
  });
  writeFileSync(join(folder, 'api-key'), key, { mode: 0o600 });
  await service.close();
  await apiKeys.close();
  await tables.close();
}

/** Writes the password file as `mosquitto_passwd` does, and certificates of the same kind. */
export async function writeMosquittoFleet(folder: string): Promise<void> {
  await writeCertificates(folder);
  const { authority, write } = makeAuthority();
  write(folder);
  const cameras = Array.from({ length: TOKEN_DEVICES }, (_, n) => camera(n, randomBytes(24).toString('base64url')));
  const publisher = { username: 'bench', password: 'bench-password' };
  const passwords = join(folder, 'passwords');
  writeFileSync(
    passwords,
    [...cameras, publisher].map(({ username, password }) => `${username}:${password}\n`).join(''),
  );
  execFileSync('mosquitto_passwd', ['-U', passwords], { stdio: 'ignore' });
  writeIdentities(folder, 'tokens', cameras);
  const nowMs = Date.now();
  const players = Array.from({ length: CERTIFICATE_DEVICES }, (_, n) => {
    const { chain, key } = authority.issue({ deviceId: uuid('player', n), days: 1, nowMs });
    return player(n, writePem(folder, n, chain, key));
  });
  writeIdentities(folder, 'certificates', players);
}

function makeAuthority() {
  const masterKeyText = newMasterKeyText();
  const masterKey = parseMasterKey(masterKeyText, 'bench');
  const { issuing, root } = newAuthority({ name: 'bench', nowMs: Date.now(), masterKey });
  const named = (text: string) => ({ text, source: 'bench' });
  const certificate = named(issuing.certificate);
  const authority = IssuingAuthority.open({ name: 'devices', certificate, key: named(issuing.key), masterKey });
  const write = (folder: string): void => {
    mkdirSync(join(folder, 'certificates'));
    // Mosquitto takes a chain that leads to a root alone.
    writeFileSync(join(folder, 'devices-ca.pem'), issuing.certificate + root.certificate);
    writeFileSync(join(folder, 'devices-ca.key'), issuing.key, { mode: 0o600 });
    writeFileSync(join(folder, 'master.key'), masterKeyText, { mode: 0o600 });
  };
  return { authority, write };
}

async function addCamera(service: DeviceService, n: number): Promise<Identity> {
  const id = uuid('camera', n);
  const attributes = { thing: `thing-${n}`, partner: PARTNER, space: uuid('space', n) };
  await service.registry.add({ id, type: 'camera', attributes }, by);
  const { token } = await service.tokens.issue(id, { by });
  return camera(n, token);
}

/** Its certificate was shown before: the first time costs a write that no restart repeats. */
async function addPlayer({ registry, issuing }: DeviceService, n: number, folder: string): Promise<Identity> {
  const added = await registry.add({ id: uuid('player', n), type: 'player' }, by);
  const issued = await issuing?.certificates.issue(added, { by });
  if (issued === undefined) throw new Error('Cannot make a fleet: an authority is expected');
  await issuing?.certificates.used(issued.serial);
  return player(n, writePem(folder, n, issued.chain, issued.key));
}

function camera(n: number, password: string): Identity {
  const username = uuid('camera', n);
  const clientId = `${PARTNER}-1-${uuid('space', n)}-${username}`;
  return { clientId, username, password, topic: `device/things/thing-${n}/message`, certificate: '' };
}

function player(n: number, certificate: string): Identity {
  const username = uuid('player', n);
  return { clientId: username, username, password: '', topic: `player/${username}/command`, certificate };
}

function writePem(folder: string, n: number, chain: string, key: string | undefined): string {
  if (key === undefined) throw new Error('Cannot write a certificate: its key is expected');
  const path = join(folder, 'certificates', `${n}.pem`);
  writeFileSync(path, `${chain}${key}`, { mode: 0o600 });
  return path;
}

function writeIdentities(folder: string, name: string, identities: readonly Identity[]): void {
  const lines = identities.map(({ clientId, username, password, topic, certificate }) =>
    [clientId, username, password, topic, certificate].join('\t'),
  );
  writeFileSync(join(folder, `${name}.tsv`), `${lines.join('\n')}\n`, { mode: 0o600 });
}

async function inSlices<T>(count: number, make: (n: number) => Promise<T>): Promise<T[]> {
  const made: T[] = [];
  for (let from = 0; from < count; from += AT_ONCE) {
    const length = Math.min(AT_ONCE, count - from);
    made.push(...(await Promise.all(Array.from({ length }, (_, index) => make(from + index)))));
  }
  return made;
}

/** The same in every run. */
function uuid(kind: string, n: number): string {
  const hex = createHash('sha256').update(`${kind} ${n}`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
