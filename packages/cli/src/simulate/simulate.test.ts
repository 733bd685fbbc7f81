import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { tool } from '../contract/local-server.ts';

const folder = mkdtempSync(join(tmpdir(), 'dunlin-simulate-'));
after(() => rmSync(folder, { recursive: true }));

const example = (name: string) => fileURLToPath(new URL(`../../../../examples/simulate/${name}.yaml`, import.meta.url));

function written(text: string): string {
  const path = join(folder, 'script.yaml');
  writeFileSync(path, text);
  return path;
}

for (const [name, fleets] of Object.entries({
  cameras: ['cameras', 'wake-up-service'],
  players: ['website', 'players'],
})) {
  test(`the example ${name} is right, and runs without a failure`, async () => {
    const check = tool('simulate --check', [example(name)]);
    assert.equal(await check.exitCode, 0, check.terminal.err);
    assert.match(check.terminal.out, / is right: \d+ devices in 2 fleets, about 0\.\d+ messages a second\n$/);
    const run = tool('simulate --json --speed 100 --duration 4', [example(name)]);
    assert.equal(await run.exitCode, 0, run.terminal.err);
    const { fleets: counts, errors } = JSON.parse(run.terminal.out);
    assert.deepEqual(errors, []);
    assert.deepEqual(
      counts.map(({ name: fleet }: { name: string }) => fleet),
      fleets,
    );
    for (const { published, connects, devices } of counts) assert.ok(published > 0 && connects >= devices / 2);
    assert.ok(counts.some(({ answered }: { answered: number }) => answered > 0));
  });
}

test('Ctrl-C ends in order, with a table and 0', async () => {
  const script = written('fleets: {lamps: {count: 2, publish: [{topic: "lamps/{i}", on: connect, qos: 1}]}}');
  const run = tool('simulate -d --duration 3600', [script]);
  await run.terminal.shows('< PUBACK');
  run.terminal.interrupt();
  assert.equal(await run.exitCode, 0);
  assert.match(run.terminal.out, /^dunlin simulate .*script\.yaml: \d+\.\d s, seed 1, mqtt:\/\/127/);
  assert.match(run.terminal.out, /^lamps +2 /m);
  assert.match(run.terminal.err, /> DISCONNECT/);
});

test('a wrong script is told with its lines and 1, before anything is connected', async () => {
  const run = tool('simulate', [written('fleets:\n  a:\n    count: none\n')]);
  assert.equal(await run.exitCode, 1);
  assert.match(
    run.terminal.err,
    /^dunlin simulate: Cannot simulate: the script is wrong\n.*script\.yaml:3: fleets\.a\.count is "none": a whole number/,
  );
});

test('where nobody comes in the failure is told', async () => {
  const run = tool('simulate -p 1 --duration 0.2', [written('fleets: {a: {}}')]);
  assert.equal(await run.exitCode, 2);
  assert.match(run.terminal.err, /^dunlin simulate: .*ECONNREFUSED/);
});

test('passwords of a script are never shown', async () => {
  const run = tool('simulate -d --duration 0.3', [written("fleets: {a: {username: u, password: 'hidden-word'}}")]);
  assert.equal(await run.exitCode, 0);
  assert.match(run.terminal.err, /password \(not shown\)/);
  assert.doesNotMatch(run.terminal.out + run.terminal.err, /hidden-word/);
});
