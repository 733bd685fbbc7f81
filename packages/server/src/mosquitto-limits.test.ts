import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LIMITS } from '@dunlin/broker';
import { parseConfiguration } from './configuration-file.ts';
import { importMosquitto } from './mosquitto-import.ts';

function imported(...lines: string[]) {
  const { yaml, remarks } = importMosquitto(lines.join('\n'), 'm.conf');
  const { limits = {}, settings = {} } = parseConfiguration(yaml, 'd');
  return { limits, settings, remarks: remarks.map(({ kind, text }) => `${kind} ${text}`) };
}

test('carries numbers and switches', () => {
  const numbers = ['max_queued_messages 9', 'max_inflight_messages 20', 'max_keepalive 60', 'global_max_connections 7'];
  const { limits, settings, remarks } = imported(...numbers, 'retain_available false', 'sys_interval 0');
  assert.deepEqual(limits, { queueMessagesMax: 9, inflightMessagesMax: 20, keepAliveMaxS: 60, connectionsMax: 7 });
  assert.deepEqual([settings, remarks], [{ retainAvailable: false, sysIntervalS: 0 }, []]);
});

test('takes our most where Mosquitto has no limit, and the nearest of our range, saying so', () => {
  const { limits, remarks } = imported('max_queued_messages 0', 'max_inflight_messages 0', 'max_queued_bytes 10');
  const { queueMessagesMax, inflightMessagesMax } = LIMITS;
  assert.deepEqual(limits, {
    queueMessagesMax: queueMessagesMax.maximum,
    inflightMessagesMax: inflightMessagesMax.maximum,
    queueBytesMax: 1024,
  });
  assert.deepEqual(remarks, ['note limits.queueBytesMax is 1 KiB, the least that it can be']);
});

test('reads times with their letter', () => {
  assert.equal(imported('persistent_client_expiration 14d').limits.sessionExpiryMaxS, 14 * 86_400);
  assert.equal(imported('persistent_client_expiration 2m').limits.sessionExpiryMaxS, 60 * 86_400);
  for (const wrong of ['14', '0d', 'd', '1x'])
    assert.throws(() => imported(`persistent_client_expiration ${wrong}`), /a time such as 14d/);
});

test('bounds packets by max_packet_size, and by message_size_limit so that every payload it allows passes', () => {
  assert.equal(imported('max_packet_size 2000', 'message_size_limit 9').limits.maximumPacketSize, 2000);
  const { limits, remarks } = imported('message_size_limit 1000');
  assert.ok((limits.maximumPacketSize ?? 0) >= 1000 + 65_535 + 9);
  assert.match(remarks[0], /^note the limit is that of whole packets here/);
  assert.equal(imported('message_size_limit 0').limits.maximumPacketSize, LIMITS.maximumPacketSize.maximum);
  assert.throws(() => imported('max_packet_size 19'), /at least 20 is expected/);
});

test('carries what listeners agree on, and nothing of what they do not', () => {
  assert.deepEqual(imported('listener 1', 'max_qos 1', 'listener 2', 'maximum_qos 1').settings, { maximumQoS: 1 });
  const { settings, remarks } = imported('listener 1', 'max_qos 1', 'listener 2');
  assert.deepEqual(settings, {});
  assert.deepEqual(
    remarks.filter((text) => text.startsWith('lost')),
    ['lost max_qos is not carried: settings.maximumQoS is one for all listeners'],
  );
  assert.deepEqual(imported('listener 1', 'max_topic_alias 0').limits, { topicAliasMaximum: 0 });
});
