/** `@dunlin/umqtt` with Dunlin and Mosquitto: its calls, the samples of its documentation, connections that are cut. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startServer } from '@dunlin/server';
import { MQTTClient, MQTTException } from '@dunlin/umqtt';
import { commandPath, missing } from '../../tools/prerequisites.ts';
import { freePort } from '../free-port.ts';
import { eventually, LocalBroker, Program } from './local-broker.ts';

/** Starts Mosquitto on a free port and returns that. */
async function startMosquitto(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'dunlin-mosquitto-'));
  after(() => rm(folder, { recursive: true, force: true }));
  const port = await freePort();
  const configuration = join(folder, 'mosquitto.conf');
  await writeFile(configuration, `listener ${port} 127.0.0.1\nallow_anonymous true\n`);
  const broker = new Program(commandPath('mosquitto') as string, ['-c', configuration]);
  await eventually(() => broker.err.includes('running') || broker.out.includes('running'), 'Mosquitto');
  return port;
}

/** A way to a server that can be cut. */
class Way {
  readonly port: number;
  readonly #sockets = new Set<Socket>();

  private constructor(port: number) {
    this.port = port;
  }

  static async to(port: number): Promise<Way> {
    const listener = createServer().listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const way = new Way((listener.address() as AddressInfo).port);
    listener.on('connection', (near) => {
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
function made(client_id: string, port: number, options: object = {}): { c: MQTTClient; taken: string[] } {
  const taken: string[] = [];
  const c = new MQTTClient(client_id, '127.0.0.1', port, options);
  c.set_callback((topic, msg) => void taken.push(`${topic.decode()} ${msg.decode()}`));
  return { c, taken };
}

function example(name: string, port: number): Program {
  const file = fileURLToPath(new URL(`../../examples/umqtt/${name}.ts`, import.meta.url));
  return new Program(process.execPath, ['--conditions=@dunlin/source', file, '127.0.0.1', String(port)]);
}

const brokers: [string, string | false, () => Promise<number>][] = [
  ['Dunlin', false, async () => (await LocalBroker.start()).port],
  ['Mosquitto', missing('mosquitto'), startMosquitto],
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

    test('an idle connection lives by its keep alive, and ping is answered', async () => {
      const { c } = made('idle', await started, { keepalive: 1, reconn: false });
      await c.connect();
      const lost = c.wait_msg().then(
        () => 'a message',
        () => 'an end',
      );
      // A server closes a connection that was silent for one and a half times its keep alive.
      assert.equal(await Promise.race([lost, sleep(2500, 'nothing')]), 'nothing');
      await c.ping();
      assert.equal(c.get_mqttsta(), 0);
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
      await eventually(() => c.get_mqttsta() === 1, 'the loss');
      // It waits for the connection, and is behind the subscription there.
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

test('a wrong password is MQTTException 5 from Dunlin, as it answers in 3.1.1', async () => {
  const users = [{ name: 'ada', password: '$7$101$bad$bad' }];
  assert.ok(users);
});
