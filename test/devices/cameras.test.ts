/** The fleet of cameras from nothing to its wake-up commands, with the example's programs, the document's and Mosquitto's. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { connect } from '@dunlin/client';
import { debianPython, missing } from '../../tools/prerequisites.ts';
import { scratch } from '../doors/guarded-server.ts';
import { eventually, LocalBroker, Program } from '../interop/local-broker.ts';
import { ended, example, Fleet, run, showsTimes, write } from './fleet.ts';

interface Camera {
  readonly id: string;
  /** Its `sdk`. */
  readonly folder: string;
  readonly clientId: string;
  readonly topic: string;
  readonly tokenId: string;
  readonly token: string;
}

/** Registers one; all its ids are UUIDs, which hold dashes. */
async function register(of: Fleet): Promise<Camera> {
  const [id, partner, space, thingName] = Array.from({ length: 4 }, () => randomUUID());
  const device = { id, type: 'camera', attributes: { partner, space, thingName } };
  const folder = of.path(id);
  write(join(folder, 'device.json'), JSON.stringify(await of.done('POST', '/api/v1/devices', device)));
  const issued = await of.done('POST', `/api/v1/devices/${id}/tokens`, {});
  write(join(folder, 'token'), issued.token);
  const topic = `device/things/${thingName}/message`;
  return { id, folder, clientId: `${partner}-mcu-${space}-${id}`, topic, ...issued };
}

/** Waits until a device is subscribed. */
async function listens({ server }: Fleet, { clientId, topic }: Camera): Promise<void> {
  await server.told('subscribed', { clientId, filter: topic });
}

const sdkOf = ({ folder }: Camera): Record<string, string> => ({ CAMERA: folder });

const urlsOf = (of: Fleet) => ({
  mqtt: `mqtt://127.0.0.1:${of.port('CAMERAS_PORT')}`,
  mqtts: `mqtts://127.0.0.1:${of.port('CAMERAS_TLS_PORT')}`,
  api: `http://127.0.0.1:${of.port('CAMERAS_API_PORT')}`,
});

// Not in a hook: what it ends with is the end of the file.
const fleet = await Fleet.init('cameras');
await fleet.start();
const urls = urlsOf(fleet);
const keyFile = await fleet.keyFile('commands:write');

describe('cameras', () => {
  /** The command's id, of what `wake.ts` says. */
  async function woken(camera: Camera, state: string, code: number): Promise<string> {
    const caller = run('cameras/wake.ts', [camera.id, keyFile, urls.api]);
    assert.equal(await caller.exited, code, caller.out + caller.err);
    const [, found, id] = /^\S+: (.*) \(([\da-f-]{36})\)(?: \S.*)?\n$/.exec(caller.out) ?? [];
    assert.equal(found, state);
    return id;
  }

  for (const transport of ['mqtt', 'mqtts'] as const)
    test(`one of the example connects by ${transport}, is woken, and has confirmed it`, async () => {
      const camera = await register(fleet);
      const words = transport === 'mqtt' ? [urls.mqtt] : [urls.mqtts, fleet.path('tls/ca.pem')];
      const program = run('cameras/camera.ts', words, sdkOf(camera));
      await program.shows('Waiting for wake-up commands');
      const id = await woken(camera, 'sent, confirmed', 0);
      await program.shows(`Woken by ${id}`);
      const there = await fleet.done('GET', `/api/v1/devices/${camera.id}/presence`);
      assert.deepEqual([there.connected, there.clientId], [true, camera.clientId]);
      assert.equal(
        await ended(program),
        `connecting\nconnected\nWaiting for wake-up commands\nWoken by ${id}\ndisconnected\n`,
      );
    });

  test('one of the example on umqtt is woken at QoS 0, so that nobody knows whether it is', async () => {
    const camera = await register(fleet);
    const program = run('cameras/camera-umqtt.ts', ['127.0.0.1', fleet.port('CAMERAS_PORT')], sdkOf(camera));
    await program.shows('Waiting for wake-up commands');
    const id = await woken(camera, 'sent', 3);
    await program.shows(`Woken by ${id}`);
    assert.match(await ended(program), /^connecting\nconnected\n[\s\S]*\ndisconnected\n$/);
  });

  test("the document's own program is woken", { skip: missing('paho') }, async () => {
    const camera = await register(fleet);
    const words = [example('cameras/camera.py'), '127.0.0.1', fleet.port('CAMERAS_PORT')];
    const program = new Program('env', [`CAMERA=${camera.folder}`, debianPython, ...words]);
    await listens(fleet, camera);
    const id = await woken(camera, 'sent', 3);
    await program.shows(`Wake-up command for device: ${camera.id}\n`);
    assert.match(
      await ended(program),
      new RegExp(`^Received wake-up command: \\{'message_id': '${id}', 'type': 'WakeUP'`),
    );
  });

  test('mosquitto_sub is woken over TLS, and may hear nothing else', { skip: missing('mosquitto_sub') }, async () => {
    const [camera, other] = [await register(fleet), await register(fleet)];
    const who = ['-i', camera.clientId, '-u', camera.id, '-P', camera.token];
    const tls = ['--cafile', fleet.path('tls/ca.pem'), '-h', 'localhost', '-p', fleet.port('CAMERAS_TLS_PORT')];
    const program = new Program('mosquitto_sub', [
      ...tls,
      ...who,
      '-t',
      camera.topic,
      '-t',
      other.topic,
      '-q',
      '1',
      '-C',
      '1',
    ]);
    await listens(fleet, camera);
    await fleet.server.told('subscriptionRefused', { clientId: camera.clientId, filter: other.topic });
    const id = await woken(camera, 'sent, confirmed', 0);
    const { timestamp, ...message } = JSON.parse(await program.output());
    assert.deepEqual(message, { message_id: id, type: 'WakeUP', body: { deviceId: camera.id } });
    assert.ok(Number.isInteger(timestamp));
  });

  test('a command waits for a camera that is not there, over kill -9; another one finds the camera back', async () => {
    const killed = await Fleet.init('cameras');
    await killed.start();
    const camera = await register(killed);
    const path = `/api/v1/devices/${camera.id}/commands/wake`;
    const queued = await killed.done('POST', path, { id: randomUUID(), ttlS: 600 });
    assert.equal(queued.state, 'queued');
    await killed.killAndStart();
    const program = run('cameras/camera.ts', [urlsOf(killed).mqtt], sdkOf(camera));
    await program.shows(`Woken by ${queued.id}`);
    const first = await killed.done('GET', `/api/v1/commands/${queued.id}?waitMs=60000`);
    assert.deepEqual([first.state, first.confirmed], ['sent', true]);
    await killed.killAndStart();
    const second = await killed.done('POST', `${path}?waitMs=60000`, { id: randomUUID(), ttlS: 600 });
    assert.deepEqual([second.state, second.confirmed], ['sent', true]);
    await program.shows(`Woken by ${second.id}`);
    assert.match(await ended(program), /\nreconnecting .+\nnext attempt in \d+ s\n[\s\S]*connected\n/);
  });

  test('a rotated token is used by the next connection; the one before goes on until it is revoked, which ends it', async () => {
    const camera = await register(fleet);
    const program = run('cameras/camera.ts', [urls.mqtt], sdkOf(camera));
    await program.shows('Waiting for wake-up commands');
    const path = `/api/v1/devices/${camera.id}/tokens`;
    write(join(camera.folder, 'token'), (await fleet.done('POST', `${path}/rotate`, {})).token);
    await woken(camera, 'sent, confirmed', 0);
    assert.equal(fleet.server.count('clientDisconnected', { clientId: camera.clientId }), 0);
    await fleet.done('DELETE', `${path}/${camera.tokenId}`);
    await fleet.server.told('clientDisconnected', { clientId: camera.clientId, check: 'token-revoked' });
    const subscribed = () => fleet.server.count('subscribed', { clientId: camera.clientId });
    await eventually(() => subscribed() === 2, 'the camera with its other token');
    await woken(camera, 'sent, confirmed', 0);
    await ended(program);
  });

  test('one that is disabled goes at once, and comes back when it is enabled', async () => {
    const camera = await register(fleet);
    const program = run('cameras/camera.ts', [urls.mqtt], sdkOf(camera));
    await program.shows('Waiting for wake-up commands');
    await fleet.done('PATCH', `/api/v1/devices/${camera.id}`, { enabled: false });
    await fleet.server.told('connectRefused', { clientId: camera.clientId, check: 'device-disabled' });
    const why = await fleet.done('GET', `/api/v1/devices/${camera.id}/why`);
    assert.equal(why.refusals[0].check, 'device-disabled');
    await fleet.done('PATCH', `/api/v1/devices/${camera.id}`, { enabled: true });
    await showsTimes(program, '\nconnected\n', 2);
    await ended(program);
  });

  test('who guesses a token or takes the Client Identifier of another one is refused, and the API says why', async () => {
    const [camera, other] = [await register(fleet), await register(fleet)];
    const refused = (clientId: string, password: string): Promise<unknown> =>
      connect(urls.mqtt, { clientId, username: camera.id, password, protocolVersion: 4, reconnect: false });
    await assert.rejects(refused(camera.clientId, 'guessed'), { code: 'refused', returnCode: 4 });
    await assert.rejects(refused(other.clientId, camera.token), { code: 'refused', returnCode: 2 });
    const why = await fleet.done('GET', `/api/v1/devices/${camera.id}/why`);
    const checks = why.refusals.map(({ check }: { check: string }) => check);
    assert.deepEqual(checks.sort(), ['client-id', 'token']);
  });
});

describe('what is no wake-up command', () => {
  const device = { id: 'cam-1', attributes: { partner: 'p', space: 's', thingName: 'door' } };
  const message = { message_id: 'm-1', type: 'WakeUP', timestamp: 1_678_886_400, body: { deviceId: 'cam-1' } };
  const wrong = [
    '',
    'WakeUP',
    '[]',
    JSON.stringify({ ...message, type: 'WAKEUP' }),
    JSON.stringify({ ...message, timestamp: 'now' }),
    JSON.stringify({ ...message, body: {} }),
  ];

  for (const file of ['camera.ts', 'camera-umqtt.ts'])
    test(`is ignored by ${file} with a line of its log`, async () => {
      const broker = await LocalBroker.start();
      const folder = scratch();
      write(join(folder, 'device.json'), JSON.stringify(device));
      write(join(folder, 'token'), 'any');
      const place = file === 'camera.ts' ? [`mqtt://127.0.0.1:${broker.port}`] : ['127.0.0.1', String(broker.port)];
      const program = run(`cameras/${file}`, place, { CAMERA: folder });
      await program.shows('Waiting for wake-up commands');
      await using caller = await connect(`mqtt://127.0.0.1:${broker.port}`, { reconnect: false });
      const other = JSON.stringify({ ...message, body: { deviceId: 'cam-2' } });
      for (const payload of [...wrong, other, JSON.stringify(message)])
        await caller.publish('device/things/door/message', payload, { qos: 1 });
      await program.shows('Woken by m-1\n');
      const lines = (await ended(program)).split('\n');
      assert.equal(lines.filter((line) => line.startsWith('Ignored what is no wake-up command')).length, wrong.length);
      assert.equal(lines.filter((line) => line === 'Ignored a wake-up command for cam-2').length, 1);
      assert.equal(lines.filter((line) => line.startsWith('Woken')).length, 1);
      await eventually(() => broker.events.some(({ name }) => name === 'clientDisconnected'), 'the end of the camera');
    });
});
