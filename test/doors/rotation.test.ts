/** Certificates and revocation lists are renewed on disk while messages flow: nothing is lost, and nobody notices. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { issueServerCertificate } from '@dunlin/devices';
import { connectAsync, type MqttClient } from 'mqtt';
import { makePki, type Pki } from '../pki/pki.ts';
import { GuardedServer, scratch, tlsSocket } from './guarded-server.ts';

/** A publisher and a subscriber at QoS 1, and what came of it. */
class Traffic {
  readonly #publisher: MqttClient;
  readonly #subscriber: MqttClient;
  readonly #received = new Set<number>();
  #sent = 0;
  #isOver = false;
  /** Connections that closed before their time. */
  closed = 0;
  readonly #publishing: Promise<void>;

  private constructor(publisher: MqttClient, subscriber: MqttClient) {
    this.#publisher = publisher;
    this.#subscriber = subscriber;
    for (const client of [publisher, subscriber]) client.on('close', () => this.closed++);
    subscriber.on('message', (_topic, payload) => this.#received.add(Number(payload)));
    this.#publishing = this.#publish();
  }

  static async begin(port: number, pki: Pki): Promise<Traffic> {
    const connect = (clientId: string): Promise<MqttClient> =>
      connectAsync(`mqtts://localhost:${port}`, {
        clientId,
        protocolVersion: 5,
        username: 'good',
        reconnectPeriod: 0,
        ca: pki.text('ca.pem'),
        cert: pki.text('good.pem'),
        key: pki.text('good.key'),
      });
    const subscriber = await connect('subscriber');
    await subscriber.subscribeAsync('numbers', { qos: 1 });
    return new Traffic(await connect('publisher'), subscriber);
  }

  async #publish(): Promise<void> {
    while (!this.#isOver) await this.#publisher.publishAsync('numbers', String(this.#sent++), { qos: 1 });
  }

  /** Waits until so many more have come. */
  async flows(count: number): Promise<void> {
    const wanted = this.#received.size + count;
    while (this.#received.size < wanted && this.closed === 0)
      await new Promise((resolve) => this.#subscriber.once('message', resolve));
  }

  /** Stops, waits for what is still on its way, and tells what is missing. */
  async end(): Promise<number> {
    this.#isOver = true;
    await this.#publishing;
    const isComplete = (): boolean => this.#received.size >= this.#sent || this.closed > 0;
    while (!isComplete()) await new Promise((resolve) => this.#subscriber.once('message', resolve));
    const missing = this.#sent - this.#received.size;
    const { closed } = this;
    await Promise.all([this.#publisher.endAsync(), this.#subscriber.endAsync()]);
    this.closed = closed;
    return missing;
  }
}

function configuration(pki: Pki): string {
  return `
listeners:
  - name: devices
    transport: tls
    host: localhost
    port: 0
    tls: {certificate: ${pki.path('server.pem')}, key: ${pki.path('server.key')}, clientCertificate: required}
authorities: [{name: devices, certificate: ${pki.path('ca.pem')}, crl: ${pki.path('ca.crl')}}]
authentication: [{method: certificate, match: username}]
`;
}

/** The serial number of the certificate that a new client is shown. */
async function shownSerial(server: GuardedServer, pki: Pki): Promise<string> {
  const keys = { ca: pki.text('ca.pem'), cert: pki.text('good.pem'), key: pki.text('good.key') };
  const socket = await tlsSocket(server.port('devices'), keys);
  const { serialNumber } = socket.getPeerCertificate();
  socket.destroy();
  return serialNumber;
}

function serialOf(pem: string): string {
  return new X509Certificate(pem).serialNumber;
}

test('a new certificate and key of the server count for new connections, and open ones go on', async () => {
  const directory = scratch();
  const pki = makePki(directory);
  const server = await GuardedServer.serve(directory, configuration(pki));
  const traffic = await Traffic.begin(server.port('devices'), pki);
  await traffic.flows(20);
  const former = serialOf(pki.text('server.pem'));
  assert.equal(await shownSerial(server, pki), former);

  const names = ['localhost', '127.0.0.1', '::1'];
  const next = issueServerCertificate({ authority: pki.authority, names, days: 90, nowMs: Date.now() });
  // As certbot does: each file under another name first, then renamed into place; the key comes later.
  writeFileSync(pki.path('server.pem.new'), next.certificate);
  renameSync(pki.path('server.pem.new'), pki.path('server.pem'));
  await traffic.flows(5);
  writeFileSync(pki.path('server.key.new'), next.key, { mode: 0o600 });
  renameSync(pki.path('server.key.new'), pki.path('server.key'));
  await server.told('filesReread');

  assert.notEqual(serialOf(next.certificate), former);
  assert.equal(await shownSerial(server, pki), serialOf(next.certificate));
  await traffic.flows(20);
  assert.equal(await traffic.end(), 0);
  assert.equal(traffic.closed, 0);
});

test('files that cannot be used change nothing, and the server says so', async () => {
  const directory = scratch();
  const pki = makePki(directory);
  const server = await GuardedServer.serve(directory, configuration(pki));
  const former = serialOf(pki.text('server.pem'));
  writeFileSync(pki.path('server.key'), pki.text('good.key'), { mode: 0o600 });
  assert.match(String((await server.told('filesUnusable')).error), /server\.(pem|key)/);
  assert.equal(await shownSerial(server, pki), former);
});

test('a new revocation list cuts whom it names, and the traffic of the others goes on', async () => {
  const directory = scratch();
  const pki = makePki(directory);
  pki.revoke([]);
  const server = await GuardedServer.serve(directory, configuration(pki));
  const traffic = await Traffic.begin(server.port('devices'), pki);
  const keys = { ca: pki.text('ca.pem'), cert: pki.text('revoked.pem'), key: pki.text('revoked.key') };
  const stolen = await server.openTls('devices', keys);
  await stolen.connect({ clientId: 'stolen', username: 'revoked' });
  await traffic.flows(20);
  pki.revoke(['revoked']);
  await stolen.expectClose([0x87]);
  await server.told('clientDisconnected', { clientId: 'stolen', check: 'certificate-revoked' });
  await traffic.flows(20);
  assert.equal(await traffic.end(), 0);
  assert.equal(traffic.closed, 0);
});
