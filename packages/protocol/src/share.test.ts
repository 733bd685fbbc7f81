import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MqttError } from './errors.ts';
import { parseSharedFilter } from './share.ts';

function refused(filter: string, statement: string): void {
  assert.throws(
    () => parseSharedFilter(filter),
    (error) => {
      assert.ok(error instanceof MqttError);
      assert.equal(error.code, 'topic-filter-invalid');
      assert.equal(error.reasonCode, 0x8f);
      assert.ok(error.message.startsWith(`Cannot subscribe to ${JSON.stringify(filter)}: `), error.message);
      assert.ok(error.message.endsWith(`[${statement}]`), error.message);
      return true;
    },
  );
}

test('takes a shared filter apart at the first slash behind the group [MQTT-4.8.2-2]', () => {
  assert.deepEqual(parseSharedFilter('$share/g/a/b'), { group: 'g', filter: 'a/b' });
  assert.deepEqual(parseSharedFilter('$share/g//finance'), { group: 'g', filter: '/finance' });
  assert.deepEqual(parseSharedFilter('$share/g/#'), { group: 'g', filter: '#' });
  assert.deepEqual(parseSharedFilter('$share/g//'), { group: 'g', filter: '/' });
  assert.deepEqual(parseSharedFilter('$share/$share/$share/x'), { group: '$share', filter: '$share/x' });
});

test('takes what does not begin with $share/ as not shared', () => {
  for (const filter of ['a', '$shared/g/a', '$SHARE/g/a', '/$share/g/a', '$sharex', '$SYS/#', '']) {
    assert.equal(parseSharedFilter(filter), undefined, filter);
  }
});

test('refuses a shared filter without a group [MQTT-4.8.2-1]', () => {
  for (const filter of ['$share', '$share/', '$share//a', '$share//']) refused(filter, 'MQTT-4.8.2-1');
});

test('refuses a group with a wildcard, and one that no filter follows [MQTT-4.8.2-2]', () => {
  for (const filter of ['$share/g', '$share/g/', '$share/g+/a', '$share/#/a', '$share/+/a', '$share/#'])
    refused(filter, 'MQTT-4.8.2-2');
});

test('refuses U+0000 in a group [MQTT-4.7.3-2]', () => {
  refused('$share/g\0/a', 'MQTT-1.5.4-2');
});
