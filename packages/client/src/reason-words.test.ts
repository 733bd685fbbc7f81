import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Packet } from '@dunlin/protocol';
import { addedWords, describeReason } from './reason-words.ts';

const suback: Packet = { type: 'suback', packetId: 1, properties: {}, reasonCodes: [0] };

test('a Reason Code is described by the name that it has in the packet', () => {
  assert.equal(describeReason(0, suback), 'Granted QoS 0 (0x00)');
  assert.equal(describeReason(0x8b), 'Server shutting down (0x8B)');
});

test('a Reason String that only names the code adds nothing', () => {
  assert.equal(addedWords('Granted QoS 0', 0, suback), undefined);
  assert.equal(addedWords('Success', 0, suback), 'Success');
  assert.equal(addedWords(undefined, 0, suback), undefined);
});
