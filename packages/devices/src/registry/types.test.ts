import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CAMERA, deviceType, PLAYER } from '../testing/types.ts';
import { compileType, DeviceTypeError, DeviceTypes } from './types.ts';

const wake = CAMERA.commands.wake;

function problemsOf(said: Parameters<typeof deviceType>[0]): readonly string[] {
  try {
    compileType(deviceType(said));
    return [];
  } catch (error) {
    assert.ok(error instanceof DeviceTypeError);
    return error.problems;
  }
}

test('makes topics, payloads, rules and Client Identifiers ready', () => {
  const camera = compileType(CAMERA);
  const values = { deviceId: 'd1', commandId: 'c1', nowMs: 5_000, attributes: { thing: 't1' } };
  assert.equal(camera.presence?.fill(values), 'presence/d1');
  const command = camera.commands.get('wake');
  assert.equal(command?.topic.fill(values), 'things/t1/message');
  assert.deepEqual(command?.payload.fill(values), { id: 'c1', at: 5, body: { deviceId: 'd1' } });
  assert.deepEqual(command?.checkInput(1), ['input is given: none is expected']);
  assert.deepEqual(
    camera.rules.map(({ place, subjects }) => [place, [...(subjects[0].groups ?? [])]]),
    [['devices.types.camera.rules[0]', ['device-type:camera']]],
  );
});

test('names every fault of a type in one error', () => {
  const problems = problemsOf({
    name: 'bad type',
    requiredAttributes: ['a b', 'deviceId'],
    uniqueAttributes: ['deviceType'],
    claimAttributes: ['deviceType'],
    rules: [{ allow: 'subscribe', topics: 'a/b#' }],
    clientId: { template: '{a}', patterns: {}, equals: { a: '{username}' } },
    presence: { topic: 'p/{commandId}' },
    commands: {
      one: { ...wake, topic: 'a/+', payload: '{secret}', ttlS: 0, qos: 2 as 1, inputSchema: { maximun: 1 } },
      two: { ...wake, payload: '{input.level}' },
    },
  });
  const at = problems.map((problem) => problem.replace('devices.types.bad type', '').split(/[ :]/)[0]);
  assert.deepEqual(at, [
    '',
    '.requiredAttributes',
    '.requiredAttributes',
    '.uniqueAttributes',
    '.rules[0].topics',
    '.presence.topic',
    '.clientId',
    '.commands.one.ttlS',
    '.commands.one.qos',
    '.commands.one.topic',
    '.commands.one.payload',
    '.commands.one.inputSchema',
    '.commands.two.topic',
    '.commands.two.inputSchema',
    '.claimAttributes',
  ]);
  for (const problem of problems) assert.match(problem, /expected|must fill|belong|unknown keyword/);
});

test('asks that an attribute in topics is required', () => {
  assert.deepEqual(problemsOf({ name: 'x', presence: { topic: 'p/{attr.room}' } }), [
    'devices.types.x.presence.topic is "{attr.room}": a name that is one of requiredAttributes as well is expected',
  ]);
});

test('asks an acknowledgement where the id of the command stands', () => {
  const withIt = (acknowledgement: typeof wake.acknowledgement) =>
    problemsOf({ name: 'x', commands: { one: { ...wake, topic: 'c/{deviceId}', payload: {}, acknowledgement } } });
  const failure = { pointer: '/ok', values: [false] };
  assert.deepEqual(withIt({ topic: 'a/{deviceId}', id: '/id', failure }), []);
  assert.deepEqual(withIt({ topic: 'a/{deviceId}/{commandId}', id: undefined, failure: undefined }), []);
  assert.match(
    withIt({ topic: 'a/{deviceId}/x{commandId}', id: undefined, failure: undefined })[0],
    /\{commandId\} as a level/,
  );
  assert.match(withIt({ topic: 'a/{deviceId}', id: 'id', failure: undefined })[0], /\.id is "id": a JSON pointer/);
  assert.match(
    withIt({ topic: 'a/{deviceId}', id: '/id', failure: { pointer: '/a', values: [] } })[0],
    /at least one value/,
  );
  const escaped = { topic: 'a/{deviceId}', id: '/a~1b/~0', failure: undefined };
  const compiled = compileType(
    deviceType({ name: 'x', commands: { one: { ...wake, topic: 'c', payload: {}, acknowledgement: escaped } } }),
  );
  assert.deepEqual(compiled.commands.get('one')?.acknowledgement?.id, ['a/b', '~']);
});

test('takes no acknowledgement from a topic that does not say which device speaks', () => {
  for (const topic of ['done', 'done/{commandId}'])
    assert.deepEqual(
      problemsOf({
        name: 'x',
        commands: {
          one: { ...wake, topic: 'c', payload: {}, acknowledgement: { topic, id: '/id', failure: undefined } },
        },
      }),
      [
        `devices.types.x.commands.one.acknowledgement.topic is "${topic}": a topic of one device, with {deviceId} or an {attr.NAME} of its own, is expected`,
      ],
    );
});

test('says which attributes a device of the type lacks, and which cannot stand in its topics', () => {
  const camera = compileType(CAMERA);
  assert.deepEqual(camera.attributeProblems({ thing: 't1', partner: 'p1', space: 's1', note: 'a/b+#' }), []);
  for (const thing of ['a/b', '+', '#', 'a\0', '$SYS'])
    assert.match(camera.attributeProblems({ thing, partner: 'p', space: 's' })[0], /^attributes\.thing is /);
  assert.equal(camera.attributeProblems({}).length, 3);
});

test('replaces types as a whole, or not at all', () => {
  const types = new DeviceTypes([CAMERA]);
  let changes = 0;
  const stop = types.onChange(() => changes++);
  assert.throws(() => types.prepareReplace([PLAYER, PLAYER]), /is there twice/);
  const nameless = ['', '#'].map((name) => deviceType({ name }));
  assert.throws(
    () => types.prepareReplace(nameless),
    (error: DeviceTypeError) => error.problems.length === 2,
  );
  assert.deepEqual([types.names, changes], [['camera'], 0]);
  types.prepareReplace([PLAYER])();
  stop();
  types.prepareReplace([PLAYER])();
  assert.deepEqual(
    [types.names, types.get('camera'), types.get('constructor'), changes],
    [['player'], undefined, undefined, 1],
  );
});
