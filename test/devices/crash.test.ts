import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scratch } from '../doors/guarded-server.ts';
import { DEEDS } from './crash-deeds.ts';
import { deviceCrashRun } from './crash-run.ts';
import { FleetProcess } from './fleet-process.ts';
import { fleetFiles } from './fleet-server.ts';

test('what the API has said of devices holds over kills in the middle of it: commands, certificates, revocations, tokens, imports', async () => {
  const server = new FleetProcess(fleetFiles(scratch()));
  const { findings, counts } = await deviceCrashRun(server, { kills: 3, loadMs: [150, 600], random: Math.random });
  assert.deepEqual(findings, []);
  for (const name of ['commands', ...Object.keys(DEEDS)])
    assert.ok(counts[name] > 0, `${name}: ${JSON.stringify(counts)}`);
});
