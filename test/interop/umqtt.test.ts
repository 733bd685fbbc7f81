/** `@dunlin/umqtt` with Dunlin and Mosquitto: its calls, the samples of its documentation, connections that are cut. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { hashPassword } from '@dunlin/identity';
import { startServer } from '@dunlin/server';
import { MQTTClient, type MQTTClientParameters, MQTTException } from '@dunlin/umqtt';
import { missing } from '../../tools/prerequisites.ts';
import { makePki } from '../pki/pki.ts';
import { eventually, LocalBroker, Program } from './local-broker.ts';
import { startMosquitto } from './local-mosquitto.ts';

/** A way to a server that can be cut. */
class Way {
  readonly port: number;
  /** Connections so far. */
  count = 0;
  readonly #sockets = new Set<Socket>();

  private constructor(port: number) {
    this.port = port;
  }

  static async to(port: number): Promise<Way> {
    const listener = createServer().listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const way = new Way((listener.address() as AddressInfo).port);
    listener.on('connection', (near) => {
      way.count += 1;
      const far = connect(port, '127.0.0.1');
      for (const socket of [near, far]) {
        way.#sockets.add(socket);
        socket.on('error', () => {});
        socket.on('close', () => {
          way.#sockets.delete(socket);
          near.destroy();
          far.destroy();
        });
      }
      near.pipe(far).pipe(near);
    });
    after(() => {
      listener.close();
      way.cut();
    });
    return way;
  }

  /** Breaks every connection with a reset. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }
}

/** A client that tells what it takes. */
function made(client_id: string, port: number, options: MQTTClientParameters = {}): { c: MQTTClient; taken: string[] } {
  const taken: string[] = [];
  const c = new MQTTClient(client_id, '127.0.0.1', port, options);
  // A test that fails would leave a client that comes back for ever.
  after(() => c.close());
  c.set_callback((topic, msg) => void taken.push(`${topic.decode()} ${msg.decode()}`));
  return { c, taken };
}

function example(name: string, port: number): Program {
  const file = fileURLToPath(new URL(`../../examples/umqtt/${name}.ts`, import.meta.url));
  return new Program(process.execPath, ['--conditions=@dunlin/source', file, '127.0.0.1', String(port)]);
}

const brokers: [string, string | false, () => Promise<number>][] = [
  ['Dunlin', false, async () => (await LocalBroker.start()).port],
  ['Mosquitto', missing('mosquitto'), () => startMosquitto()],
];

for (const [name, skip, start] of brokers) {
  describe(`umqtt with ${name}`, { skip }, () => {
    const started = skip === false ? start() : Promise.resolve(0);

    for (const version of [3, 4] as const) {
      test(`version ${version}: messages of QoS 0 and 1 come back, as strings and as bytes`, async () => {
        const { c, taken } = made(`round${version}`, await started, { version });
        assert.equal(await c.connect(), 0);
        await c.subscribe(`round/${version}`, 1);
        await c.publish(`round/${version}`, 'zero');
        await c.publish(new TextEncoder().encode(`round/${version}`), new TextEncoder().encode('one'), false, 1);
        await c.wait_msg();
        await c.wait_msg();
        assert.deepEqual(taken, [`round/${version} zero`, `round/${version} one`]);
        await c.disconnect();
      });

      test(`version ${version}: a session that is not clean keeps what comes while the client is away`, async () => {
        const options = { version };
        const { c, taken } = made(`away${version}`, await started, options);
        await c.connect(false);
        await c.subscribe(`away/${version}`, 1);
        await c.disconnect();
        const { c: other } = made(`other${version}`, await started, options);
        await other.connect();
        for (const text of ['1', '2']) await other.publish(`away/${version}`, text, { qos: 1 });
        await other.disconnect();
        await c.connect({ clean_session: false });
        await c.wait_msg();
        await c.wait_msg();
        assert.deepEqual(taken, [`away/${version} 1`, `away/${version} 2`]);
        await c.disconnect();
        await c.connect(true);
        await c.disconnect();
      });
    }

    test('a retained message comes with the subscription', async () => {
      const { c, taken } = made('retained', await started);
      await c.connect();
      await c.publish('retained', 'kept', true, 1);
      await c.subscribe('retained');
      await c.wait_msg();
      assert.deepEqual(taken, ['retained kept']);
      await c.publish('retained', '', true, 1);
      await c.disconnect();
    });

    test('the last will comes after close, and not after disconnect', async () => {
      const { c: watcher, taken } = made('watcher', await started);
      await watcher.connect();
      await watcher.subscribe('will', 1);
      for (const [text, end] of [
        ['disconnected', (c: MQTTClient) => c.disconnect()],
        ['closed', (c: MQTTClient) => c.close()],
      ] as const) {
        const { c } = made('leaving', await started);
        c.set_last_will('will', text, false, 1);
        await c.connect();
        await end(c);
      }
      await watcher.wait_msg();
      assert.deepEqual(taken, ['will closed']);
      await watcher.disconnect();
    });

    test('ping is answered', async () => {
      const { c } = made('ping', await started, { keepalive: 60 });
      await c.connect();
      assert.equal(await c.ping(), undefined);
      await c.disconnect();
    });

    test('without reconn a cut connection is told to wait_msg and to the error callback, and connect begins anew', async () => {
      const way = await Way.to(await started);
      const { c, taken } = made('cut', way.port, { reconn: false });
      const errors: MQTTException[] = [];
      c.error_register_cb((error) => void errors.push(error));
      await c.connect();
      await c.subscribe('cut', 1);
      const waiting = assert.rejects(c.wait_msg(), MQTTException);
      way.cut();
      await waiting;
      await assert.rejects(c.wait_msg(), MQTTException);
      assert.deepEqual([errors.length, c.get_mqttsta()], [1, 2]);
      await c.close();
      await c.connect();
      // Nothing was subscribed to again: this does not come.
      await c.publish('cut', 'unheard', false, 1);
      await c.subscribe('cut', 1);
      await c.publish('cut', 'heard', false, 1);
      await c.wait_msg();
      assert.deepEqual(taken, ['cut heard']);
      await c.disconnect();
    });

    test('with reconn wait_msg keeps waiting over a cut connection, and the subscription returns', async () => {
      const way = await Way.to(await started);
      const { c, taken } = made('mended', way.port);
      let calls = 0;
      c.error_register_cb(() => {
        calls += 1;
      });
      await c.connect();
      await c.subscribe('mended', 1);
      const waiting = c.wait_msg();
      way.cut();
      await eventually(() => way.count === 2, 'the next connection');
      // It waits for that, and is behind the subscription there.
      await c.publish('mended', 'again', false, 1);
      await waiting;
      assert.deepEqual([taken, calls, c.get_mqttsta()], [['mended again'], 0, 0]);
      await c.disconnect();
    });

    test('the sample that subscribes and waits runs to its end', async () => {
      const output = await example('subscribe-and-wait', await started).output();
      assert.deepEqual(output.trim().split('\n'), [
        'Connected to 127.0.0.1, subscribed to /public/TEST/quecpython',
        'Publish topic: /public/TEST/quecpython, msg: my name is Quecpython!',
        'Subscribe Recv: Topic=/public/TEST/quecpython,Msg=my name is Quecpython!',
      ]);
    });

    test('the sample that reconnects by itself goes on after its connection was cut, and ends when told to', async () => {
      const way = await Way.to(await started);
      const program = example('external-reconnection', way.port);
      await program.shows('Subscribe Recv: Topic=/public/TEST/quecpython758,Msg=my name is Quecpython!\n');
      way.cut();
      await program.shows('Connected again\n');
      const { c } = made('visitor', await started);
      await c.connect();
      await c.publish('/public/TEST/quecpython758', 'still there?', false, 1);
      await program.shows('Subscribe Recv: Topic=/public/TEST/quecpython758,Msg=still there?\n');
      await c.disconnect();
      assert.match(program.out, /^Cannot keep the connection: The connection was lost: /m);
      program.kill('SIGTERM');
      await program.output();
    });

    test('a program in the shape of umqtt.simple polls with check_msg', async () => {
      const { c, taken } = made('polling', await started, { reconn: false });
      await c.connect();
      await c.subscribe(new TextEncoder().encode('led'));
      for (const text of ['on', 'off']) await c.publish(new TextEncoder().encode('led'), text);
      while (taken.length < 2) {
        await c.check_msg();
        await sleep(1);
      }
      assert.deepEqual(taken, ['led on', 'led off']);
      await c.disconnect();
    });
  });
}

test('a wrong password is MQTTException 4, which says so and does not repeat it', async () => {
  const users = [{ name: 'ada', password: await hashPassword(Buffer.from('pencil')) }];
  const listeners = [{ host: '127.0.0.1', port: 0 }];
  const server = await startServer({ listeners, authentication: [{ method: 'users', users }] });
  after(() => server.stop());
  const { port } = server.listeners[0];
  const right = new MQTTClient('right', '127.0.0.1', port, 'ada', 'pencil');
  assert.equal(await right.connect(), 0);
  await right.disconnect();
  const wrong = new MQTTClient('wrong', '127.0.0.1', port, { user: 'ada', password: 'secret' });
  await assert.rejects(wrong.connect(), {
    name: 'MQTTException',
    code: 4,
    meaning: 'bad user name or password',
    message: 'Cannot connect: bad user name or password (4)',
  });
  assert.equal(wrong.get_mqttsta(), -1);
});

describe('umqtt over TLS', () => {
  const folder = mkdtempSync(join(tmpdir(), 'dunlin-umqtt-'));
  after(() => rm(folder, { recursive: true, force: true }));
  const pki = makePki(folder);
  const ca = pki.text('ca.pem');
  const started = startServer({
    listeners: [
      {
        host: '127.0.0.1',
        port: 0,
        transport: 'tls',
        tls: {
          certificate: pki.path('server.pem'),
          key: pki.path('server.key'),
          clientCertificate: 'required',
          authorities: ['devices'],
        },
      },
    ],
    authorities: [{ name: 'devices', certificate: pki.path('ca.pem') }],
    authentication: [{ method: 'certificate', match: 'none' }],
  });
  after(async () => (await started).stop());
  const port = async (): Promise<number> => (await started).listeners[0].port;
  const own = { cert: pki.text('good.pem'), key: pki.text('good.key') };

  test('ssl with ca, cert and key as PEM text, and the name that the certificate must have', async () => {
    const ssl_params = { ca, ...own, server_hostname: 'localhost' };
    const c = new MQTTClient('good', '127.0.0.1', await port(), null, null, 0, true, ssl_params);
    const taken: string[] = [];
    c.set_callback((_, msg) => void taken.push(msg.decode()));
    assert.equal(await c.connect(), 0);
    await c.subscribe('tls');
    await c.publish('tls', 'secret');
    await c.wait_msg();
    assert.deepEqual(taken, ['secret']);
    await c.disconnect();
  });

  for (const [title, params, meaning] of [
    ['a server that no known authority vouches for', own, /certificate/],
    [
      'a server with another name than server_hostname',
      { ca, ...own, server_hostname: 'elsewhere' },
      /for another name/,
    ],
    ['a key that is a path and no PEM text', { ca, cert: own.cert, key: 'good.key' }, /PEM/],
  ] as const) {
    test(`${title}: MQTTException -1, which says so`, async () => {
      const c = new MQTTClient('good', '127.0.0.1', await port(), { ssl: true, ssl_params: params });
      await assert.rejects(c.connect(), { name: 'MQTTException', code: -1, meaning });
      assert.equal(c.get_mqttsta(), -1);
    });
  }
});

test('the examples of the guide and of the README run as they say', async () => {
  const { port } = await LocalBroker.start();
  const outputs: string[] = [];
  for (const path of ['docs/guide/umqtt.md', 'packages/umqtt/README.md']) {
    const text = await readFile(new URL(`../../${path}`, import.meta.url), 'utf8');
    for (const [, code] of text.matchAll(/^```ts\n([\s\S]*?)^```/gm)) {
      const here = code.replaceAll("'localhost', 1883", `'127.0.0.1', ${port}`);
      const flags = ['--conditions=@dunlin/source', '--input-type=module-typescript', '--eval', here];
      outputs.push(await new Program(process.execPath, flags).output());
    }
  }
  assert.deepEqual(outputs, ['sensors/room1 22.5\n', '-1\n', 'led on\n']);
});
