import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type OperationVisitor, OperationWriter, readOperations, recordOf } from './outbox-operations.ts';
import type { OutboxRecord } from './outbox-store.ts';

const record: OutboxRecord = {
  sequence: 258,
  topic: 'ü',
  payload: Uint8Array.of(0xaa, 0xbb),
  qos: 2,
  retain: true,
  properties: { contentType: 'x' },
  expiresAtMs: undefined,
  packetId: 0,
  state: 'waiting',
};

/** What a visitor is told, as lines. */
function told(body: Uint8Array): string[] {
  const lines: string[] = [];
  const visitor: OperationVisitor = {
    put: (sequence, { packetId, state }, start, end) =>
      lines.push(`put ${sequence} ${packetId} ${state} ${start}-${end}`),
    move: (sequence, { packetId, state }) => lines.push(`move ${sequence} ${packetId} ${state}`),
    remove: (sequence) => lines.push(`remove ${sequence}`),
    clientId: (clientId) => lines.push(`client ${clientId}`),
  };
  readOperations(body, visitor);
  return lines;
}

/** One operation of each kind. */
function written(): Uint8Array {
  const operations = new OperationWriter(0);
  operations.clientId('é');
  operations.put(record);
  operations.move(258, { packetId: 65_535, state: 'released' });
  operations.remove(258);
  return operations.bytes;
}

const sequence = '4070200000000000';
const put = `01 ${sequence} 0000 00 06 7ff8000000000000 0000000b 0002c3bc 04 03000178 aabb`;
const golden = `04 0002c3a9 ${put} 02 ${sequence} ffff 02 03 ${sequence}`.replaceAll(' ', '');

test('operations have the bytes that the format says', () => {
  assert.equal(Buffer.from(written()).toString('hex'), golden);
});

test('operations are told in their order, and a put gives back its record', () => {
  const body = written();
  assert.deepEqual(told(body), ['client é', 'put 258 0 waiting 5-41', 'move 258 65535 released', 'remove 258']);
  assert.deepEqual(recordOf(body.subarray(5, 41), { packetId: 7, state: 'sent' }), {
    ...record,
    packetId: 7,
    state: 'sent',
  });
});

test('a put that was found is copied with the progress of now, behind the head that was left free', () => {
  const operations = new OperationWriter(16);
  assert.ok(operations.isEmpty);
  operations.copyPut(written().subarray(5, 41), { packetId: 3, state: 'sent' });
  assert.equal(operations.end, 16 + 36);
  assert.deepEqual(told(operations.bytes.subarray(16)), ['put 258 3 sent 0-36']);
  operations.clear();
  assert.ok(operations.isEmpty);
});

test('operations that are cut anywhere or of an unknown kind or state are refused, not read past their end', () => {
  const body = Uint8Array.from(written());
  const whole = [0, 5, 41, 53, body.length];
  for (let end = 0; end < body.length; end++) {
    if (whole.includes(end)) assert.equal(told(body.slice(0, end)).length, whole.indexOf(end));
    else assert.throws(() => told(body.slice(0, end)), `cut at ${end}`);
  }
  assert.throws(() => told(Uint8Array.of(5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)), /There is no operation 5/);
  assert.throws(() => told(body.slice(41, 53).fill(9, 11)), /There is no state 9/);
});

test('what cannot be in a PUBLISH is refused', () => {
  const operations = new OperationWriter(0);
  const add = (changes: Partial<OutboxRecord>) => () => operations.put({ ...record, ...changes });
  assert.throws(add({ sequence: 0.5 }), /its sequence is 0.5, a safe integer is expected/);
  assert.throws(add({ topic: 'x'.repeat(65_536) }), /its topic has 65536 bytes, at most 65535 are expected/);
  assert.throws(add({ properties: { serverKeepAlive: 1 } }), /has no place in it/);
  assert.throws(() => operations.clientId('x'.repeat(65_536)), /the Client Identifier has 65536 bytes/);
  assert.ok(operations.isEmpty);
});
