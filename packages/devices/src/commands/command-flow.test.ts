import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { command } from '../testing/command-world.ts';
import type { Command } from './command.ts';
import { type CommandEvent, follow, isSendable, stageOf } from './command-flow.ts';

const written: CommandEvent = { kind: 'delivered', confirmed: false, attempts: 1 };
const puback: CommandEvent = { kind: 'delivered', confirmed: true, attempts: 2 };
const done: CommandEvent = { kind: 'acknowledged' };
const no: CommandEvent = { kind: 'failed', why: 'no' };
const superseded: CommandEvent = { kind: 'superseded', by: 'c2' };
const look: CommandEvent = { kind: 'looked-at' };

function after(from: Command, ...events: readonly CommandEvent[]): Command {
  return events.reduce((now, event) => follow(now, event, 2_000) ?? now, from);
}

test('PUBACK ends a command of which the device says nothing more', () => {
  const end = after(command(), puback);
  assert.deepEqual([end.state, end.confirmed, end.endedAtMs, end.attempts], ['sent', true, 2_000, 2]);
});

test('a command that was only written may be sent again, and its end is PUBACK', () => {
  const sent = after(command(), written);
  assert.deepEqual([sent.state, sent.confirmed, sent.endedAtMs], ['sent', false, undefined]);
  assert.ok(isSendable(sent));
  assert.equal(stageOf(after(sent, puback)), 'ended');
});

test('a command that waits for its device is not sent again after PUBACK, and ends with what the device says', () => {
  const received = after(command({ awaitsAcknowledgement: true }), puback);
  assert.deepEqual([stageOf(received), isSendable(received)], ['received', false]);
  assert.equal(follow(received, written, 2_000), undefined);
  assert.equal(after(received, done).state, 'acknowledged');
  assert.deepEqual([after(received, no).state, after(received, no).why], ['failed', 'no']);
});

test('an acknowledgement that comes before the word that the command went out counts', () => {
  const end = after(command({ awaitsAcknowledgement: true }), done, puback);
  assert.deepEqual([end.state, end.confirmed], ['acknowledged', true]);
});

test('a command that has not gone out gives way to a newer one, and one that has does not', () => {
  const end = after(command(), superseded);
  assert.deepEqual([end.state, end.why, end.endedAtMs], ['failed', 'superseded by c2', 2_000]);
  for (const sent of [written, puback])
    assert.equal(follow(after(command({ awaitsAcknowledgement: true }), sent), superseded, 2_000), undefined);
});

test('a device cannot acknowledge a command that takes no acknowledgement', () => {
  assert.equal(follow(command(), done, 2_000), undefined);
});

test('whatever comes first when the time is over finds that the command has expired, with what is known of it', () => {
  for (const event of [written, puback, done, no, superseded, look]) {
    const end = follow(command({ awaitsAcknowledgement: true }), event, 61_000);
    assert.deepEqual([end?.state, end?.endedAtMs], ['expired', 61_000]);
    assert.equal(end?.why, 'it did not go out in time');
  }
  assert.equal(follow(after(command(), written), look, 61_000)?.why, 'nothing confirmed in time that it arrived');
  const received = after(command({ awaitsAcknowledgement: true }), puback);
  assert.equal(follow(received, look, 61_000)?.why, 'the device did not say in time that it was done');
  assert.equal(follow(command(), look, 60_999), undefined);
});

test('of whatever happens in whatever order, a command that has ended never changes again', () => {
  const events = fc.constantFrom(written, puback, done, no, superseded, look);
  const steps = fc.array(fc.tuple(events, fc.integer({ min: 0, max: 90_000 })), { maxLength: 12 });
  fc.assert(
    fc.property(steps, fc.boolean(), (list, awaitsAcknowledgement) => {
      let now = command({ awaitsAcknowledgement });
      for (const [event, atMs] of list) {
        const next = follow(now, event, atMs);
        if (stageOf(now) === 'ended') assert.equal(next, undefined);
        if (next === undefined) continue;
        assert.equal(next.state === 'queued', false);
        assert.ok(next.attempts >= now.attempts);
        assert.equal(isSendable(next), next.endedAtMs === undefined && !next.confirmed);
        if (next.state === 'acknowledged' || next.state === 'failed') assert.ok(atMs < next.expiresAtMs);
        now = next;
      }
    }),
  );
});
