import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { type Listener, listenTcp, type Wire } from '@dunlin/transport';
import { listenTls } from '@dunlin/transport/tls';
import { listenUnix } from '@dunlin/transport/unix';
import { listenWebSocket } from '@dunlin/transport/websocket-server';
import { makePki } from '../../../test/pki/pki.ts';
import type { CertificateSeen, ClientWire, DialRequest } from './dial.ts';
import { nodeDial } from './dial-node.ts';
import type { TlsOptions } from './tls-options.ts';

const HOST = '127.0.0.1';
const DAY_MS = 86_400_000;
const folder = mkdtempSync(join(tmpdir(), 'dunlin-dial-'));
after(() => rmSync(folder, { recursive: true }));
const pki = makePki(folder);
const server = pki.issueServer(10);
const ca = pki.text('ca.pem');
const player = { cert: pki.text('good.pem'), key: pki.text('good.key') };

const ACCEPTING = {
  host: HOST,
  port: 0,
  accept: (wire: Wire) => {
    const drop = (): void => wire.destroy();
    wire.open({ received: (chunk) => wire.write(Buffer.from(chunk)), ended: drop, drained() {}, closed() {} });
  },
  onError: (error: Error) => {
    throw error;
  },
};
const TLS = { credentials: [server], clientCertificate: 'optional', authorities: [ca] } as const;

/** A listener that is closed when the test file is done. */
async function kept(listening: Promise<Listener>): Promise<Listener> {
  const listener = await listening;
  after(() => listener.close());
  return listener;
}

const dial = nodeDial();

function request(url: string, tls?: TlsOptions, rest: Partial<DialRequest> = {}): DialRequest {
  const signal = new AbortController().signal;
  return {
    url: new URL(url),
    tls,
    protocolVersion: 5,
    maximumPacketSize: 1000,
    signal,
    timeoutMs: 5000,
    certificateSeen: () => {},
    ...rest,
  };
}

/** Says something and hears it again. */
async function echo(wire: ClientWire): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  wire.open({
    received: (chunk) => resolve(Buffer.from(chunk).toString()),
    ended() {},
    drained() {},
    closed: (error) => resolve(String(error)),
  });
  wire.write(Buffer.from('hello'));
  const heard = await promise;
  wire.destroy();
  return heard;
}

describe('dialling in Node', () => {
  test('TLS and WebSocket to a port that closes on them ask whether it is one for plain MQTT', async () => {
    const accept = (wire: Wire): void => {
      const drop = (): void => wire.destroy();
      wire.open({ received: drop, ended: drop, drained() {}, closed() {} });
    };
    const { port } = await kept(listenTcp({ ...ACCEPTING, accept }));
    for (const [scheme, code] of [
      ['mqtts', 'tls'],
      ['ws', 'connection-failed'],
      ['wss', 'tls'],
    ]) {
      await assert.rejects(dial(request(`${scheme}://${HOST}:${port}`)), {
        name: 'MqttError',
        code,
        message: /\(ECONNRESET\); is this a port for plain MQTT, often 1883 \(mqtt:\)\?$/,
      });
    }
  });

  test('every scheme leads to its transport', async () => {
    const path = join(folder, 'a socket');
    const tcp = await kept(listenTcp(ACCEPTING));
    const tls = await kept(listenTls({ ...ACCEPTING, tls: TLS }));
    const ws = await kept(listenWebSocket({ ...ACCEPTING, messageBytesMax: 1000 }));
    const wss = await kept(listenWebSocket({ ...ACCEPTING, messageBytesMax: 1000, tls: TLS }));
    await kept(listenUnix({ ...ACCEPTING, path }));
    for (const [url, options] of [
      [`mqtt://${HOST}:${tcp.port}`],
      [`tcp://localhost:${tcp.port}`],
      [`mqtts://${HOST}:${tls.port}`, { ca }],
      [`ssl://localhost:${tls.port}`, { ca: [ca], ...player }],
      [`mqtts://localhost:${tls.port}`, { rejectUnauthorized: false }],
      [`mqtts://${HOST}:${tls.port}`, { ca: Buffer.from(ca), servername: 'localhost' }],
      [`ws://${HOST}:${ws.port}`],
      [`wss://${HOST}:${wss.port}/mqtt`, { ca }],
      [`mqtt+unix://${encodeURI(path)}`],
    ] as const) {
      assert.equal(await echo(await dial(request(url, options))), 'hello', url);
    }
  });

  test('an unknown scheme is told with those there are, TLS options without TLS are refused', async () => {
    await assert.rejects(dial(request('http://localhost')), {
      code: 'invalid',
      message: 'Cannot connect by "http:": expected one of mqtt: tcp: ws: mqtt+unix: mqtts: tls: ssl: wss:',
    });
    const refusal = { code: 'invalid', message: /options\.tls was given, and TLS needs mqtts: or wss:/ };
    await assert.rejects(dial(request('mqtt://localhost', { ca })), refusal);
    await assert.rejects(dial(request('mqtt+unix://host/path')), { code: 'invalid', message: /expected a path/ });
  });

  test('failures say whether it was TLS, the options or the network', async () => {
    const tls = await kept(listenTls({ ...ACCEPTING, tls: TLS }));
    const tcp = await kept(listenTcp({ ...ACCEPTING, accept: (wire) => wire.destroy() }));
    const url = `mqtts://${HOST}:${tls.port}`;
    await assert.rejects(dial(request(url)), { code: 'tls', message: /none of the authorities known here/ });
    await assert.rejects(dial(request(url, { ca, servername: 'other.example' })), { code: 'tls' });
    await assert.rejects(dial(request(`mqtts://${HOST}:${tcp.port}`, { ca })), { code: 'tls' });
    await assert.rejects(dial(request(`mqtts://${HOST}:1`, { ca })), { code: 'connection-failed' });
    await assert.rejects(dial(request(`mqtt://user:secret@${HOST}:1`)), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'connection-failed');
      assert.ok(!error.message.includes('secret'));
      return true;
    });
    await assert.rejects(dial(request(url, { ca, cert: player.cert })), {
      code: 'invalid',
      message: 'Cannot use tls.cert without tls.key: both are expected',
    });
    const oneLine = { ca: ca.replaceAll('\n', ' ') };
    await assert.rejects(dial(request(url, oneLine)), {
      code: 'invalid',
      message: /^Cannot use tls\.ca: its line breaks/,
    });
    const pfx = Buffer.from('none');
    await assert.rejects(dial(request(url, { ca, pfx })), { code: 'invalid', message: /^Cannot use the TLS settings/ });
  });

  test('a signal ends it with its reason', async () => {
    const signal = AbortSignal.abort(new Error('no more'));
    for (const scheme of ['mqtt', 'mqtts', 'ws', 'mqtt+unix']) {
      const url = scheme === 'mqtt+unix' ? 'mqtt+unix:///none' : `${scheme}://${HOST}:1`;
      await assert.rejects(dial(request(url, undefined, { signal })), /no more/);
    }
  });

  test('certificates of both sides are told, also where a TLS session goes on', async () => {
    const listener = await kept(listenTls({ ...ACCEPTING, tls: TLS }));
    const wss = await kept(listenWebSocket({ ...ACCEPTING, messageBytesMax: 1000, tls: TLS }));
    const seen: CertificateSeen[] = [];
    const certificateSeen = (certificate: CertificateSeen): void => {
      seen.push(certificate);
    };
    const options = { ca, ...player };
    for (const url of [
      `mqtts://${HOST}:${listener.port}`,
      `mqtts://${HOST}:${listener.port}`,
      `wss://${HOST}:${wss.port}`,
    ]) {
      seen.splice(0);
      assert.equal(await echo(await dial(request(url, options, { certificateSeen }))), 'hello');
      assert.deepEqual(
        seen.map(({ of, subject }) => [of, subject]),
        [
          ['client', 'CN=good'],
          ['server', 'CN=localhost'],
        ],
      );
      const [own, other] = seen.map(({ expiresAtMs }) => Math.round((expiresAtMs - Date.now()) / DAY_MS));
      assert.deepEqual([own, other], [1, 10]);
    }
  });
});
