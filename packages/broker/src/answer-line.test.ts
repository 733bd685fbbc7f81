import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodePacket } from '@dunlin/protocol';
import { ACKNOWLEDGEMENT_BYTES_MAX, AnswerLine, acknowledgement, writeAcknowledgement } from './answer-line.ts';
import type { GroupCommit } from './group-commit.ts';

/** Commits that are durable up to a ticket which the test moves. */
function make() {
  const waiters: { durable(): void }[] = [];
  const state = { durable: 0, isClosed: false, written: '' };
  const commits = {
    isDurable: (ticket: number) => ticket <= state.durable,
    wait: (waiter: { durable(): void }) => waiters.push(waiter),
  };
  const sink = {
    get isClosed() {
      return state.isClosed;
    },
    write: (packet: Uint8Array | number) => {
      state.written += typeof packet === 'number' ? `${packet}` : Buffer.from(packet).toString();
    },
  };
  const line = new AnswerLine(sink, commits as unknown as GroupCommit);
  const commit = (ticket: number) => {
    state.durable = ticket;
    for (const waiter of waiters.splice(0)) waiter.durable();
  };
  const answer = (text: string, ticket: number, then?: () => void) => {
    line.add(Buffer.from(text), ticket, then);
    line.send();
  };
  return { line, state, waiters, commit, answer };
}

test('sends at once what waits for nothing', () => {
  const { line, state, answer } = make();
  answer('a', 0);
  assert.deepEqual([state.written, line.isEmpty], ['a', true]);
});

test('keeps the order of the line, whatever each answer waits for [MQTT-4.6.0-2]', () => {
  const { line, state, waiters, commit, answer } = make();
  answer('a', 2);
  answer('b', 0);
  answer('c', 1);
  answer('d', 3);
  assert.deepEqual([state.written, waiters.length], ['', 1]);
  commit(1);
  assert.equal(state.written, '');
  commit(2);
  assert.deepEqual([state.written, waiters.length], ['abc', 1]);
  commit(3);
  assert.deepEqual([state.written, line.isEmpty, waiters.length], ['abcd', true, 0]);
});

test('keeps a place for an answer that is not known yet, without waiting for a commit', () => {
  const { line, state, waiters, answer } = make();
  const place = line.add(undefined, Number.POSITIVE_INFINITY);
  line.send();
  answer('b', 0);
  assert.deepEqual([state.written, waiters.length], ['', 0]);
  place.packet = Buffer.from('a');
  place.ticket = 0;
  line.send();
  assert.equal(state.written, 'ab');
});

test('calls back once each answer has left, and takes further answers from there without entering twice', () => {
  const { state, answer, commit } = make();
  const left: string[] = [];
  answer('a', 1, () => {
    left.push(`a after "${state.written}"`);
    answer('c', 0, () => left.push('c'));
  });
  answer('b', 0, () => left.push('b'));
  commit(1);
  assert.deepEqual([state.written, left], ['abc', ['a after "a"', 'b', 'c']]);
});

test('ends with its connection: nothing more is sent or called', () => {
  const { line, state, answer, commit } = make();
  answer('a', 1, () => {
    state.isClosed = true;
  });
  answer('b', 0, () => assert.fail('must not be called'));
  commit(1);
  assert.deepEqual([state.written, line.isEmpty], ['a', true]);
});

test('writes acknowledgements as the codec does', () => {
  for (const [header, type] of [
    [0x40, 'puback'],
    [0x50, 'pubrec'],
    [0x62, 'pubrel'],
    [0x70, 'pubcomp'],
  ] as const) {
    for (const reasonCode of type === 'puback' || type === 'pubrec' ? [0, 0x10] : [0, 0x92])
      for (const packetId of [1, 0x1234, 0xff00, 0xffff]) {
        const bytes = Buffer.alloc(3 + ACKNOWLEDGEMENT_BYTES_MAX);
        const end = writeAcknowledgement(bytes, 3, acknowledgement(header, packetId, reasonCode));
        assert.deepEqual(
          bytes.subarray(3, end),
          Buffer.from(encodePacket({ type, packetId, reasonCode, properties: {} }, 5)),
        );
      }
  }
});
