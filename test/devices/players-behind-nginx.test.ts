/** Players behind nginx, which ends TLS: the example's files as they stand, ports aside, with its programs and MQTT.js. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { cpSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { connectAsync, type IClientOptions } from 'mqtt';
import { WebSocket } from 'ws';
import { debianPython, missing } from '../../tools/prerequisites.ts';
import { startNginx } from '../doors/nginx.ts';
import { freePort } from '../free-port.ts';
import { Program } from '../interop/local-broker.ts';
import { ended, example, Fleet, run } from './fleet.ts';
import { type Player, register, registerByCode } from './player.ts';

const text = (file: string): string => readFileSync(file, 'utf8');

describe('players behind nginx', { skip: missing('nginx', 'paho') }, () => {
  test('the certificate that nginx was shown counts at Dunlin, which finds revoked ones, and what a client writes itself does not', async () => {
    const nginxPort = await freePort();
    // paho sends an Origin: the name and port that it was told to connect to.
    const fleet = await Fleet.init('players', (configuration) =>
      configuration.replace('https://makapix.example', `https://localhost:${nginxPort}`),
    );
    await fleet.start();
    cpSync(fleet.path('tls'), fleet.path('conf/tls'), { recursive: true });
    const site = text(example('players/nginx.conf'))
      .replace('listen 443', `listen 127.0.0.1:${nginxPort}`)
      .replace('127.0.0.1:8080', `127.0.0.1:${fleet.port('PLAYERS_WEB_PORT')}`)
      .replace('127.0.0.1:8081', `127.0.0.1:${fleet.port('PLAYERS_API_PORT')}`);
    await startNginx(fleet.directory, nginxPort, site);
    const url = `wss://localhost:${nginxPort}/mqtt`;
    const [player, other, foreign] = [await register(fleet), await register(fleet), await Fleet.init('players')];

    const own = run('players/player.ts', [player.folder, url]);
    await own.shows('Waiting for commands\n');
    await fleet.server.told('clientConnected', { clientId: player.id, listener: 'players-web', username: player.id });
    await ended(own);
    // Without a certificate nginx lets a player register, and nothing else.
    const registered = await registerByCode(fleet, { players: url, api: `https://localhost:${nginxPort}` });
    await fleet.server.told('clientConnected', { clientId: registered.player.id, listener: 'players-web' });
    await ended(registered.program);
    assert.equal(await refusedUpgrade(url, text(fleet.path('tls/ca.pem'))), 403);

    const paho = (playerKey: string, [, certificate, key]: readonly string[]): Program => {
      const files = [fleet.path('tls/ca.pem'), certificate, key];
      const words = [example('players/player.py'), playerKey, ...files, 'localhost', String(nginxPort), '/mqtt'];
      return new Program(debianPython, words);
    };
    const right = paho(player.id, player.files);
    await right.shows('Connected successfully\n');
    right.kill('SIGKILL');
    const stranger = paho(other.id, player.files);
    await stranger.shows('Connection failed with code Not authorized\n');
    stranger.kill('SIGKILL');
    await fleet.server.told('connectRefused', { clientId: other.id, check: 'certificate-username' });
    // nginx lets nobody through whom the authority does not know.
    await foreign.start();
    const unknown = paho(player.id, (await register(foreign)).files);
    assert.notEqual(await unknown.exited, 0);

    await refusesHeaders(fleet, url, player, other);

    // nginx knows no revocations: that is found by Dunlin alone, also during the connection.
    const live = paho(other.id, other.files);
    await live.shows('Connected successfully\n');
    await fleet.done('POST', `/api/v1/certificates/${other.serial}/revoke`, {});
    await fleet.server.told('clientDisconnected', { clientId: other.id, check: 'certificate-revoked' });
    await live.shows('Unexpected disconnect, reconnecting in 1s...\n');
    await fleet.server.told('connectRefused', { clientId: other.id, check: 'certificate-revoked' });
  });
});

/** The status that comes in place of a WebSocket. */
function refusedUpgrade(url: string, ca: string): Promise<number | undefined> {
  const socket = new WebSocket(url, ['mqtt'], { ca });
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('unexpected-response', (request, { statusCode }) => {
      request.destroy();
      resolve(statusCode);
    });
    socket.on('open', () => reject(new Error('nginx let a client through without a certificate')));
  });
}

/** A certificate that a client writes into the header by itself: replaced by nginx, and not read without it. */
async function refusesHeaders(fleet: Fleet, url: string, player: Player, other: Player): Promise<void> {
  const [ca, certificate, key] = player.files.map(text);
  const forged = { 'X-Client-Certificate': encodeURIComponent(text(other.files[1])), 'X-Forwarded-For': '192.0.2.7' };
  const clientId = other.id;
  const options: IClientOptions = {
    ...{ protocolVersion: 5, reconnectPeriod: 0, clientId, username: clientId, password: '' },
    wsOptions: { ca, cert: certificate, key, headers: forged },
  };
  await assert.rejects(connectAsync(url, options), (error: { code?: number }) => error.code === 0x87);
  const told = await fleet.server.told('connectRefused', { clientId, check: 'certificate-username' });
  assert.equal(told.address, '127.0.0.1');
  // Nor is it a way in without nginx, from another address of this machine.
  const wsOptions = { headers: forged, localAddress: '127.0.0.2' };
  const direct = `ws://127.0.0.1:${fleet.port('PLAYERS_WEB_PORT')}/mqtt`;
  await assert.rejects(
    connectAsync(direct, { ...options, clientId: randomUUID(), username: clientId, wsOptions }),
    (error: { code?: number }) => error.code === 0x86,
  );
}
