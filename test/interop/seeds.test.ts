/** Programs as users find them in introductions to MQTT: they run as they are, but for the server's address. */

import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { debianPython, missing } from '../../tools/prerequisites.ts';
import { LocalBroker, Program } from './local-broker.ts';

/** Runs a program of the folder `seeds` with the port of the test's broker. */
async function seed(name: string, port: number): Promise<Program> {
  const folder = await mkdtemp(join(tmpdir(), 'dunlin-seed-'));
  after(() => rm(folder, { recursive: true, force: true }));
  const text = await readFile(new URL(`seeds/${name}.py`, import.meta.url), 'utf8');
  assert.ok(text.includes('port = 1883\n'));
  const path = join(folder, `${name}.py`);
  await writeFile(path, text.replace('port = 1883\n', `port = ${port}\n`));
  return new Program(debianPython, ['-u', path]);
}

test('a Python publisher that connects, publishes and leaves at once reaches a Python subscriber', {
  skip: missing('paho'),
}, async () => {
  const broker = await LocalBroker.start();
  const subscriber = await seed('subscriber', broker.port);
  await broker.subscribed('test/topic');
  await (await seed('publisher', broker.port)).output();
  await subscriber.shows('Received message: Hello, MQTT! on topic test/topic\n');
  subscriber.kill('SIGTERM');
  await subscriber.exited;
});
