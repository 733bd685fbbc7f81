/** The programs of examples/classic, run as they stand but for the port. */

import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { connect } from '@dunlin/client';
import { LocalBroker, Program } from './local-broker.ts';

const examples = fileURLToPath(new URL('../../examples/classic', import.meta.url));

/** What each program prints; the wrapper goes on until it is ended. */
const outputs: Readonly<Record<string, string>> = {
  'qos-levels.ts': [
    '0 sensors/temperature { value: 22.5 }',
    "1 alerts/critical { alert: 'High temperature' }",
    "2 commands/valve { action: 'close' }",
  ].join('\n'),
  'retained.ts': "retained: true { position: 'closed' }\nconfig/done nothing retained any more",
  'topic-filters.ts': [
    'one level:  sensors/room1/temperature',
    'livingroom: home/livingroom/light',
    'all levels: plant',
    'all levels: plant/a/b',
  ].join('\n'),
  'will-monitor.ts': 'Client status: online on status/device\nClient status: offline on status/device',
};

/** Starts a program of the folder with the port of the test's broker, where it finds the packages. */
async function example(name: string, port: number): Promise<Program> {
  const scratch = fileURLToPath(new URL('../../.dunlin', import.meta.url));
  await mkdir(scratch, { recursive: true });
  const folder = await mkdtemp(join(scratch, 'classic-'));
  after(() => rm(folder, { recursive: true, force: true }));
  const text = await readFile(join(examples, name), 'utf8');
  assert.ok(text.includes('mqtt://localhost:1883'));
  const path = join(folder, name);
  await writeFile(path, text.replaceAll('mqtt://localhost:1883', `mqtt://127.0.0.1:${port}`));
  return new Program(process.execPath, ['--conditions=@dunlin/source', path]);
}

for (const [name, expected] of Object.entries(outputs)) {
  test(`${name} prints what it should`, async () => {
    const { port } = await LocalBroker.start();
    assert.equal(await (await example(name, port)).output(), `${expected}\n`);
  });
}

test('wrapper.ts receives what it publishes and what others do, survives what is no JSON, and its will comes when it is lost', async () => {
  const broker = await LocalBroker.start();
  const program = await example('wrapper.ts', broker.port);
  await program.shows("sensors/room1/temperature { value: 22.5, unit: 'C' }\n");
  await using other = await connect(`mqtt://127.0.0.1:${broker.port}`);
  await other.publish('sensors/room1/temperature', '{ "value": 22', { qos: 1 });
  await other.publish('commands/hall', 'lights on', { qos: 2 });
  await program.shows('command lights on\n');
  const statuses = await other.subscribe('status/hall', { qos: 1 });
  program.kill('SIGKILL');
  const seen: string[] = [];
  for await (const message of statuses) {
    seen.push(message.text());
    if (seen.length === 2) break;
  }
  assert.deepEqual(seen, ['online', 'offline']);
});

test('the wrapper has ten lines, and the README names every program', async () => {
  const files = (await readdir(examples)).filter((name) => name.endsWith('.ts'));
  assert.deepEqual(files.sort(), [...Object.keys(outputs), 'wrapper.ts'].sort());
  const readme = await readFile(join(examples, 'README.md'), 'utf8');
  for (const name of files) assert.ok(readme.includes(`\`${name}\``), name);
  const wrapper = await readFile(join(examples, 'wrapper.ts'), 'utf8');
  const lines = wrapper.split('\n').filter((line) => line !== '' && !line.startsWith('/**'));
  assert.ok(lines.length <= 10, `${lines.length} lines`);
});
