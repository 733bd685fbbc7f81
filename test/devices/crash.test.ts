import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scratch } from '../doors/guarded-server.ts';
import { heardIsKept, playerWithCommands } from './crash-acknowledgement.ts';
import { DEEDS } from './crash-deeds.ts';
import { madeScreen, removed } from './crash-removal.ts';
import { deviceCrashRun } from './crash-run.ts';
import { FleetProcess } from './fleet-process.ts';
import { fleetFiles } from './fleet-server.ts';

const KILLS = 3;
const COMMANDS = 20;
const SCREENS = 6;

test('what the API has said of devices holds over kills in the middle of it: commands, certificates, revocations, tokens, imports', async () => {
  const server = new FleetProcess(fleetFiles(scratch()));
  const { findings, counts } = await deviceCrashRun(server, { kills: 2, loadMs: [900, 1500], random: Math.random });
  assert.deepEqual(findings, []);
  for (const name of ['commands', ...Object.keys(DEEDS)])
    assert.ok(counts[name] > 0, `${name}: ${JSON.stringify(counts)}`);
});

test('what a device said and was told has arrived holds, where the server is killed at the first word of that', async () => {
  const server = new FleetProcess(fleetFiles(scratch()));
  await server.start();
  for (let kill = 0; kill < KILLS; kill++) {
    const player = await playerWithCommands(server, `player-${kill}`, COMMANDS);
    assert.ok(player !== undefined);
    const { client, doneTopic, commandIds } = player;
    const heard: string[] = [];
    const killing = Promise.withResolvers<void>();
    const saying = commandIds.map(async (id) => {
      await client.deliver({ topic: doneTopic, payload: JSON.stringify({ id }), qos: 1 });
      heard.push(id);
      killing.resolve(server.kill());
    });
    // Those that get no answer any more wait for it in vain.
    void Promise.allSettled(saying);
    await killing.promise;
    client.cut();
    assert.ok(heard.length > 0);
    await server.start();
    assert.equal(await heardIsKept(heard)(server), undefined);
  }
});

test('nothing is left of devices that were removed, where the server is killed in the middle of it', async () => {
  const server = new FleetProcess(fleetFiles(scratch()));
  await server.start();
  for (let kill = 0; kill < KILLS; kill++) {
    const screens = await Promise.all(Array.from({ length: SCREENS }, () => madeScreen(server)));
    const removing = screens.map((screen) => {
      assert.ok(screen !== undefined);
      return removed(server, screen);
    });
    // From before the first of them to behind the last.
    await new Promise((resolve) => setTimeout(resolve, 5 + 10 * kill));
    await server.kill();
    const checks = await Promise.all(removing);
    await server.start();
    for (const check of checks) assert.equal(await check(server), undefined);
  }
});
