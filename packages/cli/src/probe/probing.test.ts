import assert from 'node:assert/strict';
import { test } from 'node:test';
import { altered, visiting } from '../contract/probed-server.ts';
import { CHECK_GROUPS, type Finding, NEEDS_5, runChecks, tryVersions, versionName } from './probing.ts';

test('the newest version that is taken is probed with, or the one that was asked for', async () => {
  assert.equal((await tryVersions(visiting(), undefined)).entrance?.version, 5);
  assert.equal((await tryVersions(visiting(), 3)).entrance?.version, 3);
  const only311 = altered('connect', (packet) => (packet.protocolVersion === 4 ? packet : 'end'));
  const { entrance, findings } = await tryVersions(visiting({ toServer: only311 }), undefined);
  assert.equal(entrance?.version, 4);
  assert.deepEqual(
    findings.map(({ what, tried }) => [what, tried]),
    [
      ['MQTT 3.1', false],
      ['MQTT 3.1.1', true],
      ['MQTT 5.0', false],
    ],
  );
});

test('where nobody listens nothing is found', async () => {
  const dial = () => Promise.reject(Object.assign(new Error('no way there'), { code: 'EHOSTUNREACH' }));
  await assert.rejects(tryVersions(visiting({}, { dial }), undefined), { code: 'connection-failed' });
});

test('every check is told in the order of the table, and a fault of one does not stop the others', async () => {
  const visit = visiting();
  const { entrance } = await tryVersions(visit, 4);
  assert.ok(entrance !== undefined);
  let dials = 0;
  const shaky: typeof visit.dial = (bounds) => {
    dials += 1;
    return dials === 3 ? Promise.reject(new Error('the network is gone')) : visit.dial(bounds);
  };
  const told: Finding[] = [];
  await runChecks({ ...visit, dial: shaky }, entrance, (finding) => told.push(finding));
  const ids = Object.values(CHECK_GROUPS).flatMap((checks) => checks.map(({ id }) => id));
  assert.deepEqual(
    told.map(({ id }) => id),
    ids,
  );
  assert.equal(told.filter(({ note }) => note === 'the network is gone').length, 1);
  assert.ok(told.some(({ note }) => note === NEEDS_5));
});

test('versions have the names of the standards', () => {
  assert.deepEqual(
    [3, 4, 5].map((version) => versionName(version as 3 | 4 | 5)),
    ['3.1', '3.1.1', '5.0'],
  );
});
