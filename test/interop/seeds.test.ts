/** Programs as users find them in introductions to MQTT: they run as they are, but for the server's address. */

import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { connect } from '@dunlin/client';
import { debianPython, missing } from '../../tools/prerequisites.ts';
import { eventually, LocalBroker, Program } from './local-broker.ts';

/** Runs the programs of the folder `seeds` as one, with the port of the test's broker. */
async function seed(port: number, ...names: readonly string[]): Promise<Program> {
  const folder = await mkdtemp(join(tmpdir(), 'dunlin-seed-'));
  after(() => rm(folder, { recursive: true, force: true }));
  const read = (name: string) => readFile(new URL(`seeds/${name}.py`, import.meta.url), 'utf8');
  const text = (await Promise.all(names.map(read))).join('\n');
  assert.match(text, /port ?= ?1883\b/);
  const path = join(folder, `${names[0]}.py`);
  await writeFile(path, text.replaceAll(/(port ?= ?)1883\b/g, `$1${port}`));
  return new Program(debianPython, ['-u', path]);
}

test('a Python publisher that connects, publishes and leaves at once reaches a Python subscriber', {
  skip: missing('paho'),
}, async () => {
  const broker = await LocalBroker.start();
  const subscriber = await seed(broker.port, 'subscriber');
  await broker.subscribed('test/topic');
  await (await seed(broker.port, 'publisher')).output();
  await subscriber.shows('Received message: Hello, MQTT! on topic test/topic\n');
  subscriber.kill('SIGTERM');
  await subscriber.exited;
});

test('the Python wrapper that everybody writes does with Dunlin all that its introduction says', {
  skip: missing('paho'),
}, async () => {
  const broker = await LocalBroker.start();
  await using client = await connect(`mqtt://127.0.0.1:${broker.port}`);
  const seen: string[] = [];
  await client.subscribe(
    ['sensors/+', 'sensors/+/temperature', 'alerts/#', 'commands/#', 'status/client'],
    { qos: 2 },
    (message) => void seen.push(`${message.topic} ${message.qos} ${message.text()}`),
  );
  const program = await seed(broker.port, 'mqtt_client', 'mqtt_topics');
  await eventually(() => seen.length === 4, 'what the program publishes');
  assert.deepEqual(seen, [
    'sensors/room1/temperature 1 {"value": 22.5, "unit": "C"}',
    'sensors/temperature 0 {"value": 22.5}',
    'alerts/critical 1 {"alert": "High temperature"}',
    'commands/valve 2 {"action": "close"}',
  ]);
  await broker.subscribed('status/+');
  await client.publish('status/other', 'offline', { qos: 1 });
  await program.shows('Client status: offline on status/other\n');
  const configured = client.subscribe('config/valve');
  for await (const message of configured) {
    assert.deepEqual([message.json(), message.retain], [{ position: 'closed' }, true]);
    break;
  }
  program.kill('SIGKILL');
  await eventually(() => seen.length === 5, 'the will');
  assert.equal(seen[4], 'status/client 0 offline');
});
