import assert from 'node:assert/strict';
import { test } from 'node:test';
import { protocolError } from '@dunlin/protocol';
import { MqttError, mqttError, reasonCodeOfReturnCode, refused, shown } from './errors.ts';

test("a refusal names the attempt, the reason in words and digits, and the server's own words", () => {
  const packet = {
    type: 'puback' as const,
    packetId: 1,
    reasonCode: 0x87,
    properties: { reasonString: 'no\u001b[31m' },
  };
  const error = refused('Cannot publish to "a"', 0x87, packet);
  assert.equal(error.message, 'Cannot publish to "a": Not authorized (0x87), no\\u001b[31m');
  assert.deepEqual([error.code, error.reasonCode, error.reasonString], ['refused', 0x87, 'no\u001b[31m']);
  const silent = refused('Cannot publish to "a"', 0x97, { ...packet, properties: {} });
  assert.deepEqual([silent.message, silent.reasonString], ['Cannot publish to "a": Quota exceeded (0x97)', undefined]);
});

test("a server's words that only repeat the name of the Reason Code are left out", () => {
  const properties = { reasonString: 'Topic Name invalid' };
  const packet = { type: 'puback' as const, packetId: 1, reasonCode: 0x90, properties };
  assert.equal(
    refused('Cannot publish to "$SYS"', 0x90, packet).message,
    'Cannot publish to "$SYS": Topic Name invalid (0x90)',
  );
});

test('Return Codes of 3.x have the Reason Code that fits', () => {
  assert.deepEqual([0, 1, 2, 3, 4, 5, 6].map(reasonCodeOfReturnCode), [0, 0x84, 0x85, 0x88, 0x86, 0x87, 0x80]);
});

test('text of a peer is cut and harmless', () => {
  assert.equal(shown('a"\n'), 'a\\"\\n');
  assert.equal(shown('\u009b\u202e\u2028\u{e0001}'), '\\u009b\\u202e\\u2028\\udb40\\udc01');
  assert.equal(shown('x'.repeat(300)), `${'x'.repeat(200)}…`);
});

test('an error has its classic code, by the Reason Code where a server spoke', () => {
  const connack = { type: 'connack' as const, sessionPresent: false, reasonCode: 0x86, properties: {} };
  const atConnect = refused('Cannot connect', 0x86, connack);
  assert.deepEqual([atConnect.errno, atConnect.returnCode], [5, 4]);
  const puback = { type: 'puback' as const, packetId: 1, reasonCode: 0x87, properties: {} };
  const atPublish = refused('Cannot publish', 0x87, puback);
  assert.deepEqual([atPublish.errno, atPublish.returnCode], [12, undefined]);
  assert.equal(refused('Cannot publish', 0x80, puback).errno, 13);
  assert.equal(new MqttError('closed', 'x').errno, 4);
});

test('faults of the protocol code and of strangers become the one error, which keeps the cause', () => {
  const fault = protocolError('no');
  const own = mqttError(fault, 'connection-failed');
  assert.ok(own instanceof MqttError);
  assert.deepEqual([own.code, own.reasonCode, own.message, own.cause], ['protocol-error', 0x82, 'no', fault]);
  assert.equal(mqttError(own), own);
  const strange = mqttError(new Error('away'), 'connection-failed');
  assert.deepEqual([strange.code, strange.message], ['connection-failed', 'away']);
  for (const thrown of [undefined, null, 'text', Symbol('s')]) assert.equal(mqttError(thrown).message, String(thrown));
});
