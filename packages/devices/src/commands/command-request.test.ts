import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CommandWorld } from '../testing/command-world.ts';
import type { CommandRequest } from './command-request.ts';

const wake = { deviceId: 'cam1', type: 'wake', by: 'ada' };
const show = { deviceId: 'pix1', type: 'show', by: 'ada' };

test('what cannot be sent is refused with what is expected, and nothing is stored', async () => {
  const world = new CommandWorld();
  const commands = await world.open({ commandTtlMaxS: 100, commandBytesMax: 200 });
  const camera = world.devices.get('cam2');
  assert.ok(camera);
  world.devices.set('cam2', { ...camera, enabled: false });
  const refused = (fields: Partial<CommandRequest>, code: string, message: RegExp) =>
    assert.rejects(commands.request({ ...wake, ...fields }), { name: 'DeviceError', code, message });
  await refused({ deviceId: 'nobody' }, 'unknown-device', /^Cannot send the command "wake" to "nobody": there is no/);
  await refused({ deviceId: 'cam2' }, 'device-disabled', /the device is disabled/);
  for (const type of ['show', '', 'constructor', '__proto__'])
    await refused({ type }, 'unknown-command', /no such command, one of these is expected: wake, sleep, ring$/);
  for (const ttlS of [0, 101, 1.5, Number.NaN]) await refused({ ttlS }, 'invalid', /1 to 100 seconds are expected/);
  for (const id of ['', 'a/b', '+', 'x'.repeat(129)]) await refused({ id }, 'invalid', /1 to 128 letters/);
  await refused({ input: {} }, 'invalid', /none is expected/);
  await refused({ ...show, input: { artwork: 'x'.repeat(200) } }, 'invalid', /has 214 bytes: at most 200/);
  await refused(
    { ...show, input: { artwork: 'x'.repeat(180) } },
    'invalid',
    /its payload has 2\d\d bytes, at most 200/,
  );
  for (const artwork of [1n, Symbol.iterator])
    await refused({ ...show, input: artwork }, 'invalid', /input is no JSON: JSON is expected/);
  const limits = world.events.map((event) => (event.name === 'deviceLimitReached' ? event.limit : event.name));
  assert.deepEqual([commands.open, limits], [0, ['commandTtlMaxS', 'commandBytesMax', 'commandBytesMax']]);
});

test('every fault of a request is named in one error', async () => {
  const commands = await new CommandWorld().open();
  await assert.rejects(commands.request({ ...show, input: { artwork: 7 }, ttlS: 0 }), {
    code: 'invalid',
    problems: ['input.artwork must be string', 'ttlS is 0: 1 to 2592000 seconds are expected'],
  });
});

test('an input is what it was when it was given', async () => {
  const commands = await new CommandWorld().open();
  const input = { artwork: 'a', more: JSON.parse('{"__proto__":1}') };
  const made = await commands.request({ ...show, input, id: 'x' });
  input.artwork = 'b';
  assert.deepEqual(made.input, { artwork: 'a', more: JSON.parse('{"__proto__":1}') });
  assert.deepEqual((await commands.get('x'))?.input, made.input);
});
