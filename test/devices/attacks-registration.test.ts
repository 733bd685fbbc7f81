/** Devices of a foreign authority that are registered as they come, and come back where they should not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scratch } from '../doors/guarded-server.ts';
import { FleetServer, fleetConfiguration, fleetFiles, unique } from './fleet-server.ts';

const files = fleetFiles(scratch());
const { devices } = fleetConfiguration(files);
const fleet = await FleetServer.start(files, {
  devices: { ...devices, registration: [{ authority: 'others', type: 'sensor' }] },
});
const { guarded } = fleet;
/** `others` has issued it for the name `foreign`. */
const shown = { ca: files.pki.text('ca.pem'), cert: files.pki.text('foreign.pem'), key: files.pki.text('foreign.key') };
const ID = 'foreign';
const PATH = `/api/v1/devices/${ID}`;

async function refused(): Promise<void> {
  const client = await guarded.openTls('tls', shown);
  const { detail } = await guarded.refuses(
    client,
    { clientId: unique('c'), username: ID, password: '' },
    0x87,
    'unknown-device',
  );
  assert.match(String(detail), /was removed at/);
}

async function connected() {
  const clientId = unique('c');
  const client = await guarded.openTls('tls', shown);
  await client.connect({ clientId, username: ID, password: '' });
  return { client, clientId };
}

test('a device that was registered as it came does not come back once it was removed, until somebody adds it', async () => {
  const first = await connected();
  await fleet.done('DELETE', PATH);
  await first.client.expectClose([0x87]);
  await refused();
  await refused();
  const why = await fleet.done('GET', `${PATH}/why`);
  assert.match(why.hindrances.join('\n'), /the device was removed at .* that somebody adds it is expected/);
  await fleet.done('POST', '/api/v1/devices', { id: ID, type: 'sensor', authority: 'others' });
  await connected();
});

test('a foreign authority gets no id of a device that was removed, whoever that was', async () => {
  await fleet.done('DELETE', PATH);
  await fleet.done('POST', '/api/v1/devices', { id: ID, type: 'player' });
  await fleet.done('DELETE', PATH);
  await refused();
  assert.equal((await fleet.ask('GET', PATH)).status, 404);
});
