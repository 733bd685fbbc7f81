import assert from 'node:assert/strict';
import { test } from 'node:test';
import { topicMatches } from '@dunlin/protocol';
import fc from 'fast-check';
import { compilePayload, compileTopic } from './template.ts';

const values = { deviceId: 'd1', commandId: 'c1', attributes: { thing: 't1' }, nowMs: 1_700_000_000_999 };

test('fills topics in, and knows the filter of all of them', () => {
  const form = compileTopic('device/{attr.thing}/cam-{deviceId}/{commandId}');
  assert.equal(form.fill(values), 'device/t1/cam-d1/c1');
  assert.equal(form.filter, 'device/+/+/+');
  assert.deepEqual(form.variables, ['attr.thing', 'deviceId', 'commandId']);
});

test('reads what stands alone in its level', () => {
  const form = compileTopic('{deviceId}/x-{attr.thing}-y/{commandId}/{deviceId}');
  assert.deepEqual(
    form.read('d1/x-t1-y/c1/d1'),
    new Map([
      ['deviceId', 'd1'],
      ['commandId', 'c1'],
    ]),
  );
  for (const other of [
    'd1/x-t1-y/c1/d2',
    'd1/x-t1-y/c1',
    'd1/t1/c1/d1',
    'd1/x--y/c1/d1',
    '/x-t1-y/c1/',
    'd1/x-t1-y/c1/d1/e',
  ])
    assert.equal(form.read(other), undefined, other);
});

test('refuses a value of an attribute that would leave its level', () => {
  const form = compileTopic('device/{attr.thing}');
  for (const thing of ['a/b', '+', '#', 'a\0', '', '$SYS', 'a\n', '\ud800'])
    assert.throws(() => form.fill({ ...values, attributes: { thing } }), { code: 'template' }, JSON.stringify(thing));
  assert.throws(() => form.fill({ ...values, attributes: {} }), /\{attr\.thing\} is missing/);
  // Names of Object.prototype are no attributes.
  assert.throws(() => compileTopic('{attr.constructor}').fill(values), /is missing/);
});

test('fills in topics that their own filter matches and only at the level of the variable', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 20 }), (thing) => {
      const form = compileTopic('a/{attr.thing}/z');
      try {
        const topic = form.fill({ ...values, attributes: { thing } });
        assert.ok(topicMatches(form.filter, topic));
        assert.equal(topic.split('/')[1], thing);
        assert.equal(form.read(topic)?.get('attr.thing'), thing);
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'template');
      }
    }),
  );
});

test('refuses topics that cannot be used, and says why', () => {
  assert.throws(() => compileTopic('a/+/b'), /MQTT-3\.3\.2-2/);
  assert.throws(() => compileTopic(''), /MQTT-4\.7\.3-1/);
  assert.throws(() => compileTopic('$SYS/{deviceId}'), /leading "\$"/);
  assert.throws(() => compileTopic('a/{nowS}'), /"\{nowS\}" is unknown, \{deviceId\}/);
  assert.throws(() => compileTopic('a/{attr.}'), /is unknown/);
});

test('fills payloads in with the kinds of their values', () => {
  const form = compilePayload({
    message_id: '{commandId}',
    timestamp: '{nowS}',
    ms: '{nowMs}',
    body: { deviceId: '{deviceId}', list: ['{attr.thing}', 1, null, true] },
    text: 'level {input.level} of {{10}}',
    all: '{input}',
    level: '{input.level}',
  });
  assert.deepEqual(form.fill({ ...values, input: { level: 3 } }), {
    message_id: 'c1',
    timestamp: 1_700_000_000,
    ms: 1_700_000_000_999,
    body: { deviceId: 'd1', list: ['t1', 1, null, true] },
    text: 'level 3 of {10}',
    all: { level: 3 },
    level: 3,
  });
});

test('leaves out what the input does not have, and refuses it within a text', () => {
  assert.deepEqual(compilePayload({ a: '{input.a}', b: ['{input.b}'], c: 1 }).fill({ ...values, input: {} }), {
    b: [null],
    c: 1,
  });
  assert.deepEqual(compilePayload({ a: '{input.constructor}' }).fill({ ...values, input: {} }), {});
  assert.throws(() => compilePayload('a {input.a}').fill({ ...values, input: {} }), /is missing/);
  assert.throws(() => compilePayload('a {input}').fill({ ...values, input: {} }), /a text, number or boolean/);
  assert.throws(() => compilePayload('{attr.none}').fill(values), /is missing/);
});

test('keeps every payload without variables as it is', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (payload) => {
      fc.pre(!/[{}]/.test(textsOf(payload)));
      assert.equal(JSON.stringify(compilePayload(payload).fill(values)), JSON.stringify(payload));
    }),
  );
});

test('refuses payloads that cannot be used', () => {
  assert.throws(() => compilePayload({ a: '{secret}' }), /"\{secret\}" is unknown/);
  assert.throws(() => compilePayload({ a: 1n }), /a value of JSON is expected/);
  let deep: unknown = 1;
  for (let level = 0; level < 40; level++) deep = [deep];
  assert.throws(() => compilePayload(deep), /32 levels/);
});

/** All texts of a JSON value but the names of entries. */
function textsOf(value: unknown): string {
  if (typeof value === 'string') return value;
  return typeof value === 'object' && value !== null ? Object.values(value).map(textsOf).join(' ') : '';
}
