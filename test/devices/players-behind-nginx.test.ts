/** Players behind nginx, which ends TLS: the two example files as they stand, ports aside, with paho and MQTT.js. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { issueClientCertificate } from '@dunlin/devices';
import { connectAsync, type IClientOptions } from 'mqtt';
import { debianPython, missing } from '../../tools/prerequisites.ts';
import { freePort } from '../free-port.ts';
import { Program } from '../interop/local-broker.ts';
import { makePki } from '../pki/pki.ts';
import { GuardedServer, scratch } from './guarded-server.ts';
import { startNginx } from './nginx.ts';

const example = (file: string): string =>
  readFileSync(new URL(`../../examples/players/${file}`, import.meta.url), 'utf8');

describe('players behind nginx', { skip: missing('nginx', 'paho') }, () => {
  test('the certificate that nginx was shown counts at Dunlin, which finds revoked ones, and what a client writes itself does not', async () => {
    const directory = scratch();
    mkdirSync(join(directory, 'tls'));
    const pki = makePki(join(directory, 'tls'));
    const playerKey = randomUUID();
    const { authority } = pki;
    const issued = issueClientCertificate({ authority, commonName: playerKey, days: 365, nowMs: Date.now() });
    writeFileSync(pki.path('player.pem'), issued.certificate);
    writeFileSync(pki.path('player.key'), issued.key ?? '', { mode: 0o600 });
    writeFileSync(join(directory, 'passwords'), '', { mode: 0o600 });
    const nginxPort = await freePort();
    // paho sends an Origin: the name and port that it was told to connect to.
    const text = example('dunlin.yaml')
      .replaceAll(/port: \d+/g, 'port: 0')
      .replaceAll('0.0.0.0', '127.0.0.1')
      .replaceAll('makapix.example', `localhost:${nginxPort}`);
    const server = await GuardedServer.serve(directory, text);
    cpSync(join(directory, 'tls'), join(directory, 'conf/tls'), { recursive: true });
    const site = example('nginx.conf')
      .replace('listen 443', `listen 127.0.0.1:${nginxPort}`)
      .replace('127.0.0.1:8080', `127.0.0.1:${server.port('players-web')}`);
    await startNginx(directory, nginxPort, site);

    const web = (name: string, username: string): Program => {
      const files = ['ca.pem', `${name}.pem`, `${name}.key`].map(pki.path);
      const program = fileURLToPath(new URL('web-player.py', import.meta.url));
      return new Program(debianPython, [program, username, String(nginxPort), ...files]);
    };
    assert.equal(await web('player', playerKey).output(), 'Success\n');
    await server.told('clientConnected', { clientId: playerKey, listener: 'players-web', username: playerKey });
    assert.equal(await web('player', 'another').output(), 'Not authorized\n');
    await server.told('connectRefused', { clientId: 'another', check: 'certificate-username' });
    // nginx knows no list: that one was revoked is found by Dunlin alone.
    assert.equal(await web('revoked', 'revoked').output(), 'Not authorized\n');
    await server.told('connectRefused', { clientId: 'revoked', check: 'certificate-revoked' });
    // It does not let through whom the authority does not know.
    const foreign = web('foreign', 'foreign');
    assert.notEqual(await foreign.exited, 0);

    const keys = { ca: pki.text('ca.pem'), cert: pki.text('good.pem'), key: pki.text('good.key') };
    const headers = { 'X-Client-Certificate': encodeURIComponent(issued.certificate), 'X-Forwarded-For': '192.0.2.7' };
    const options: IClientOptions = {
      protocolVersion: 5,
      reconnectPeriod: 0,
      clientId: playerKey,
      username: playerKey,
      password: '',
      wsOptions: { ...keys, headers },
    };
    const refused = (error: { code?: number }): boolean => error.code === 0x87;
    await assert.rejects(connectAsync(`wss://localhost:${nginxPort}/mqtt`, options), refused);
    const told = await server.told('connectRefused', { clientId: playerKey, check: 'certificate-username' });
    assert.equal(told.address, '127.0.0.1');
    // Nor is it a way in without nginx, from another address of this machine.
    const wsOptions = { headers, localAddress: '127.0.0.2' };
    const direct = `ws://127.0.0.1:${server.port('players-web')}/mqtt`;
    await assert.rejects(
      connectAsync(direct, { ...options, wsOptions }),
      (error: { code?: number }) => error.code === 0x86,
    );
  });
});
