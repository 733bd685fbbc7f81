import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleMessage } from './contract/samples.ts';
import type { Session } from './session.ts';
import { ShareGroup } from './share-group.ts';
import { Subscription } from './subscription.ts';
import { World } from './testing/world.ts';

interface State {
  room: boolean;
  connected: boolean;
  stored: boolean;
  fits: boolean;
}

const message = sampleMessage('t');

function member(name: string, state: Partial<State> = {}): Subscription {
  const { room = true, connected = true, stored = false, fits = true } = state;
  const session = {
    clientId: name,
    hasRoomFor: () => room && connected && fits,
    connection: connected ? {} : undefined,
    isStored: stored,
    fits: () => fits,
  };
  return new Subscription(session as unknown as Session, '$share/g/t', 1, []);
}

function groupOf(...members: Subscription[]): ShareGroup {
  const group = new ShareGroup('$share/g/t');
  for (const one of members) group.add(one);
  return group;
}

function chosen(group: ShareGroup, times: number): (string | undefined)[] {
  return Array.from({ length: times }, () => group.choose(message)?.session.clientId);
}

test('goes round among the members that have room', () => {
  assert.deepEqual(chosen(groupOf(member('a'), member('b', { room: false }), member('c')), 5), [
    'a',
    'c',
    'a',
    'c',
    'a',
  ]);
});

test('lets a message wait with a connected member where none has room, a fair share with each', () => {
  const group = groupOf(
    member('a', { room: false }),
    member('b', { room: false }),
    member('away', { connected: false, stored: true }),
  );
  const names = chosen(group, 10);
  assert.deepEqual([names.filter((name) => name === 'a').length, names.filter((name) => name === 'b').length], [5, 5]);
});

test('falls back to members with a stored session only where nobody is connected, a fair share with each', () => {
  const away = { connected: false, stored: true };
  const names = chosen(groupOf(member('a', away), member('ending', { connected: false }), member('b', away)), 4);
  assert.deepEqual([names.filter((name) => name === 'a').length, names.filter((name) => name === 'b').length], [2, 2]);
  assert.deepEqual(chosen(groupOf(member('a', away), member('b')), 2), ['b', 'b']);
});

test('passes over a member that takes no packet of the size', () => {
  assert.deepEqual(chosen(groupOf(member('small', { fits: false }), member('b', { room: false })), 2), ['b', 'b']);
});

test('passes over a member whose Subscription Identifier makes a message too large for it', () => {
  for (const qos of [0, 1, 2] as const)
    for (let size = 30; size < 70; size++) {
      const world = new World();
      const small = world.connect('small', { properties: { maximumPacketSize: 60 } });
      small.subscribe('$share/g/t', { qos: 2, identifier: 200_000_000 });
      // Without room for more than one, so that messages wait with whoever can take them.
      const other = world.connect('other', { properties: { receiveMaximum: 1 } });
      other.subscribe('$share/g/t', { qos: 2 });
      const publisher = world.connect('p');
      for (let i = 0; i < 4; i++) publisher.publish('t', { qos, payload: Buffer.alloc(size) });
      const [few, most] = [small, other].map((client) => {
        let count = 0;
        for (let round = 0; round < 20; round++) count += client.answerAll().length;
        return count;
      });
      // Header 2, topic 3, identifier 2, also counted at QoS 0, property length 1, Subscription Identifier 5.
      assert.equal(few > 0, size + 13 <= 60, `${size} bytes at QoS ${qos}`);
      assert.equal(few + most, 4);
      assert.equal(world.broker.metrics.messagesDroppedTooLarge, 0);
    }
});

test('chooses nobody where nobody can take the message', () => {
  assert.deepEqual(chosen(groupOf(member('a', { connected: false }), member('b', { fits: false })), 1), [undefined]);
  assert.equal(groupOf().choose(message), undefined);
});

test('follows members that come and go, and lets no QoS 0 message wait', () => {
  const [a, b] = [member('a', { stored: true }), member('b', { connected: false, stored: true })];
  const group = groupOf(a, b);
  assert.deepEqual(chosen(group, 2), ['a', 'a']);
  const session = a.session as { connection: unknown };
  session.connection = undefined;
  group.presenceChanged(a);
  // The fake still says that it has room; it is not asked any longer.
  assert.deepEqual(chosen(group, 3), ['b', 'a', 'b']);
  assert.equal(group.choose(sampleMessage('t', '', 0)), undefined);
  session.connection = {};
  group.presenceChanged(a);
  assert.deepEqual([group.size, ...chosen(group, 2)], [2, 'a', 'a']);
});

test('keeps turns in order while members come and go', () => {
  const [a, b, c] = [member('a'), member('b'), member('c')];
  const group = groupOf(a, b, c);
  assert.deepEqual(chosen(group, 2), ['a', 'b']);
  group.remove(a);
  assert.deepEqual(chosen(group, 2), ['c', 'b']);
  group.remove(c);
  group.remove(c);
  assert.deepEqual([group.size, ...chosen(group, 2)], [1, 'b', 'b']);
});
