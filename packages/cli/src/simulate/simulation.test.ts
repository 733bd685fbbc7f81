import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect } from '@dunlin/client';
import { targetOf } from '../connecting.ts';
import { newConnectionFlags } from '../connection-flags.ts';
import { port } from '../contract/local-server.ts';
import { RecordedTerminal } from '../contract/recorded-terminal.ts';
import { parseScriptText } from './script.ts';
import { SimulationView } from './simulate-report.ts';
import { checkLoad, messagesPerSecond, Simulation } from './simulation.ts';

const scriptOf = (fleets: string) => parseScriptText(`fleets: {${fleets}}`, 's', '.');

function simulationOf(fleets: string, speed = 1, at = port(), keepsSessions = false): Simulation {
  const target = targetOf({ ...newConnectionFlags(), host: '127.0.0.1', port: at }, new RecordedTerminal());
  return new Simulation({
    script: scriptOf(fleets),
    speed,
    durationMs: 3_600_000,
    target: () => target,
    keepsSessions,
  });
}

async function until(happened: () => boolean): Promise<void> {
  for (let look = 0; look < 2000 && !happened(); look++) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.ok(happened());
}

test('devices come at their rate, whatever the speed, and all leave when it is stopped', async () => {
  const simulation = simulationOf('a: {count: 3, connectPerSecond: 100}, b: {count: 1000, connectPerSecond: 1}', 500);
  const ended = simulation.run();
  const view = new SimulationView(simulation, 3_600_000);
  await until(() => simulation.fleets[0].connected === 3);
  assert.match(view.line(), /^0 of 3600 s · a 3 of 3 · b [\d] of 1,000 · published 0\/s · received 0\/s$/);
  simulation.stop();
  await ended;
  const [a, b] = simulation.fleets;
  assert.deepEqual([a.connects, a.connected, b.connected, simulation.errors.total], [3, 0, 0, 0]);
  assert.ok(b.connects < 1000);
});

test('a server that is not there is told of by each attempt, and stopping does not wait for one', async () => {
  const simulation = simulationOf('a: {count: 2}', 100, 1);
  const ended = simulation.run();
  await until(() => simulation.errors.total >= 4);
  simulation.stop();
  await ended;
  assert.deepEqual(
    simulation.errors.rows().map(({ error }) => error),
    ['connection-failed: ECONNREFUSED'],
  );
});

test('what no machine can do is refused with the limit', () => {
  const script = scriptOf('a: {count: 1000, publish: [{topic: t, every: 100ms}, {topic: t, on: connect}]}');
  assert.equal(messagesPerSecond(script), 10_000);
  checkLoad(script, 10);
  assert.throws(() => checkLoad(script, 11), /110,000 messages a second at speed 11: at most 100000 are expected/);
});

for (const [keepsSessions, present] of [
  [false, [false, false]],
  [true, [true, true]],
] as const) {
  test(`sessions ${keepsSessions ? 'stay where that is asked for' : 'of the devices are ended with the simulation'}`, async () => {
    const simulation = simulationOf(
      `kept${keepsSessions}: {count: 1, version: '3.1.1', cleanStart: false}, long${keepsSessions}: {count: 1, sessionExpiry: 1h}`,
      1,
      port(),
      keepsSessions,
    );
    const ended = simulation.run();
    await until(() => simulation.fleets.every(({ connected }) => connected === 1));
    simulation.stop();
    await ended;
    assert.equal(simulation.errors.total, 0);
    const found: boolean[] = [];
    for (const name of [`kept${keepsSessions}`, `long${keepsSessions}`]) {
      const client = await connect(`mqtt://127.0.0.1:${port()}`, { clientId: `${name}-0`, cleanStart: false });
      found.push(client.connack?.sessionPresent === true);
      await client.disconnect();
    }
    assert.deepEqual(found, present);
  });
}
