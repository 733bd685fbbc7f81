/** The two fleets that Dunlin is made for connect with nothing but a configuration file: the examples, as they stand. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { issueClientCertificate } from '@dunlin/devices';
import { hashPassword } from '@dunlin/identity';
import { debianPython, missing } from '../../tools/prerequisites.ts';
import type { RawClient } from '../conformance/raw-client.ts';
import { Program } from '../interop/local-broker.ts';
import { makePki } from '../pki/pki.ts';
import { GuardedServer, scratch } from './guarded-server.ts';

const SERVICE_PASSWORD = randomUUID();

/** An example at free ports of the loopback address. */
function example(fleet: string): string {
  const text = readFileSync(new URL(`../../examples/${fleet}/dunlin.yaml`, import.meta.url), 'utf8');
  return text.replaceAll(/port: \d+/g, 'port: 0').replaceAll('host: 0.0.0.0', 'host: 127.0.0.1');
}

async function writeServicePassword(directory: string): Promise<void> {
  const file = join(directory, 'passwords');
  writeFileSync(file, `service:${await hashPassword(Buffer.from(SERVICE_PASSWORD))}\n`);
  chmodSync(file, 0o600);
}

/** A program of the operator's own. */
async function serviceAt(server: GuardedServer): Promise<RawClient> {
  const service = await server.open('services');
  await service.connect({ clientId: 'service', username: 'service', password: SERVICE_PASSWORD });
  return service;
}

const program = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

describe('the player document', { skip: missing('paho') }, () => {
  test('its program connects with certificate and empty password, tells its status and gets a command', async () => {
    const directory = scratch();
    const tls = join(directory, 'tls');
    mkdirSync(tls);
    const pki = makePki(tls);
    await writeServicePassword(directory);
    const playerKey = randomUUID();
    const { authority } = pki;
    const issued = issueClientCertificate({ authority, commonName: playerKey, days: 365, nowMs: Date.now() });
    writeFileSync(pki.path('player.pem'), issued.certificate);
    writeFileSync(pki.path('player.key'), issued.key ?? '', { mode: 0o600 });

    const server = await GuardedServer.serve(directory, example('players'));
    const service = await serviceAt(server);
    await service.subscribe(['makapix/player/+/status', 1]);
    const files = ['ca.pem', 'player.pem', 'player.key'].map(pki.path);
    const place = ['127.0.0.1', String(server.port('players'))];
    const player = new Program(debianPython, [program('player.py'), playerKey, ...place, ...files]);

    const { payload } = await service.receive({ topic: `makapix/player/${playerKey}/status`, qos: 1 });
    assert.equal(JSON.parse(String(payload)).status, 'online');
    // A command to another player's topic is not for this one.
    await service.deliver({ topic: `makapix/player/${randomUUID()}/command`, payload: 'other', qos: 1 });
    await service.deliver({ topic: `makapix/player/${playerKey}/command`, payload: 'next', qos: 1 });
    assert.equal(await player.output(), `Connected successfully\nmakapix/player/${playerKey}/command next\n`);
    const connected = await server.told('clientConnected', { clientId: playerKey });
    assert.deepEqual([connected.username, connected.protocolVersion, connected.listener], [playerKey, 5, 'players']);

    // The same certificate under another player_key, and one that was revoked.
    const stranger = randomUUID();
    const refused = new Program(debianPython, [program('player.py'), stranger, ...place, ...files]);
    assert.match(await refused.output(), /Connection failed with code Not authorized/);
    await server.told('connectRefused', { clientId: stranger, check: 'certificate-username', reasonCode: 0x87 });
    const revoked = ['ca.pem', 'revoked.pem', 'revoked.key'].map(pki.path);
    const gone = new Program(debianPython, [program('player.py'), 'revoked', ...place, ...revoked]);
    assert.match(await gone.output(), /Connection failed with code Not authorized/);
    await server.told('connectRefused', { clientId: 'revoked', check: 'certificate-revoked', reasonCode: 0x87 });
    await service.disconnect();
  });
});

describe('the camera document', { skip: missing('paho') }, () => {
  test('its program connects with device id, token and Client Identifier, and hears its own wake-up commands only', async () => {
    const directory = scratch();
    await writeServicePassword(directory);
    const [deviceId, token] = [randomUUID(), randomUUID()];
    const hash = await hashPassword(Buffer.from(token));
    const text = example('cameras')
      .replace(/name: [0-9a-f-]{36}/, `name: ${deviceId}`)
      .replace(/password: \$argon2id\S+/, () => `password: ${hash}`);
    assert.ok(text.includes(deviceId) && text.includes(hash));

    const server = await GuardedServer.serve(directory, text);
    const service = await serviceAt(server);
    const port = String(server.port('cameras'));
    const [partnerId, clientId, spaceId] = [randomUUID(), randomUUID(), randomUUID()];
    const camera = (device: string, secret: string): Program =>
      new Program(debianPython, [
        program('camera.py'),
        port,
        partnerId,
        clientId,
        spaceId,
        device,
        'front-door',
        secret,
      ]);

    const right = camera(deviceId, token);
    await right.shows('granted (128,)');
    const body = { message_id: randomUUID(), type: 'WakeUP', timestamp: 1_678_886_400, body: { deviceId } };
    await service.deliver({ topic: 'device/things/back-door/message', payload: '{"type": "WakeUP"}', qos: 1 });
    await service.deliver({ topic: 'device/things/front-door/message', payload: JSON.stringify(body), qos: 1 });
    assert.equal(await right.output(), `rc 0\ngranted (0,)\ngranted (128,)\nWake-up command for device: ${deviceId}\n`);
    const client = `${partnerId}-${clientId}-${spaceId}-${deviceId}`;
    const denied = await server.told('subscriptionRefused', { clientId: client, filter: 'device/things/+/message' });
    assert.match(String(denied.rule), /allow subscribe .*front-door\/message.* is wider/);

    // A wrong token; the Client Identifier of another camera; one that is not by the template.
    assert.match(await camera(deviceId, 'guessed').output(), /^rc 5\n|^rc 4\n/);
    await server.told('connectRefused', { clientId: client, check: 'password' });
    for (const wrong of [`${partnerId}-${clientId}-${spaceId}-${randomUUID()}`, `a-b-c-${deviceId}`]) {
      const raw = await server.open('cameras', 4);
      raw.sendConnect({ clientId: wrong, username: deviceId, password: token });
      await raw.expectRefusal(0x02);
      await server.told('connectRefused', { clientId: wrong, check: 'client-id' });
    }
    await service.disconnect();
  });
});
