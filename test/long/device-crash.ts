/** Forty kills of the server of a fleet; the short form of this is `test/devices/crash.test.ts`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEEDS } from '../devices/crash-deeds.ts';
import { deviceCrashRun } from '../devices/crash-run.ts';
import { FleetProcess } from '../devices/fleet-process.ts';
import { fleetFiles } from '../devices/fleet-server.ts';
import { scratch } from '../doors/guarded-server.ts';

const KILLS = 40;
/** Of each deed, for every kill. On a slow machine a short round ends before the longest of them. */
const DEEDS_PER_KILL = 1 / 4;

test(`what the API has said of devices holds over ${KILLS} kills`, async () => {
  const server = new FleetProcess(fleetFiles(scratch()));
  const { findings, counts } = await deviceCrashRun(server, { kills: KILLS, loadMs: [5, 900], random: Math.random });
  assert.deepEqual(findings, []);
  for (const name of ['commands', ...Object.keys(DEEDS)])
    assert.ok(counts[name] > KILLS * DEEDS_PER_KILL, `${name}: ${counts[name]}`);
});
