import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Connection } from './connection.ts';
import { resolveLimits } from './limits.ts';
import type { Message } from './message.ts';
import type { Replay } from './replay.ts';
import { Replays, type ReplayTarget } from './replays.ts';
import type { SessionContext } from './session-context.ts';
import type { Subscription } from './subscription.ts';

/** A replay of so many messages, named by their filter and a number. */
function replay(filter: string, messages: number): Replay {
  let sent = 0;
  return {
    subscription: { filter },
    isReady: true,
    get isDone() {
      return sent === messages;
    },
    next: () => ({ message: `${filter}${sent++}` }),
    pause: () => undefined,
    goOn: () => undefined,
  } as unknown as Replay;
}

/** Takes so many messages before it has no room, and counts how often it was put off. */
class Target implements ReplayTarget {
  readonly sent: string[] = [];
  room = Number.POSITIVE_INFINITY;
  unsentBytes = 0;
  isBlocked = false;
  waits = false;
  postponed = 0;
  waiting = 0;

  roomFor(): Connection | undefined {
    if (this.room === 0) return undefined;
    return { unsentBytes: this.unsentBytes, outbox: { isBlocked: this.isBlocked } } as unknown as Connection;
  }

  sendRetained(_connection: Connection, message: Message, _subscription: Subscription): boolean {
    this.room -= 1;
    this.sent.push(message as unknown as string);
    return !this.waits;
  }

  continueWhenDurable(): void {
    this.waiting += 1;
  }

  readonly done: string[] = [];

  continueReplays(): void {
    this.postponed += 1;
  }

  replayDone({ filter }: Subscription): void {
    this.done.push(filter);
  }
}

function context(options: { pauseAtMs?: number; msPerLook?: number } = {}): SessionContext {
  let now = 0;
  return {
    limits: resolveLimits({}),
    nowMs: 0,
    pauseAtMs: () => options.pauseAtMs ?? 5,
    clockMs: () => {
      now += options.msPerLook ?? 0;
      return now;
    },
  } as unknown as SessionContext;
}

test('goes on with one replay until it is done, then with the next, a newer one of a filter last', () => {
  const replays = new Replays();
  const target = new Target();
  for (const filter of ['a', 'b', 'c']) replays.add(replay(filter, 2));
  target.room = 1;
  replays.pump(target, context());
  replays.add(replay('a', 1));
  replays.cancel('c');
  target.room = 9;
  replays.pump(target, context());
  assert.deepEqual(target.sent, ['a0', 'b0', 'b1', 'a0']);
  assert.deepEqual(target.done, ['b', 'a']);
  assert.ok(replays.isEmpty);
});

test('stops where a message waits for its commit, so that nothing passes it', () => {
  const replays = new Replays();
  const target = new Target();
  replays.add(replay('a', 3));
  target.waits = true;
  replays.pump(target, context());
  assert.deepEqual(target.sent, ['a0']);
  assert.equal(target.postponed, 0);
});

test('waits while what a replay must find is not durable, and goes on when it is', () => {
  const replays = new Replays();
  const target = new Target();
  const one = { ...replay('a', 0), isReady: false, isDone: false, next: () => assert.fail('it is not ready') };
  replays.add(one as unknown as Replay);
  replays.pump(target, context());
  assert.deepEqual([target.waiting, target.postponed, target.sent], [1, 0, []]);
});

test('pauses while much is unsent: until the wire drains, or for a turn where it takes everything', () => {
  const replays = new Replays();
  const target = new Target();
  replays.add(replay('a', 3));
  target.unsentBytes = 256 * 1024 + 1;
  replays.pump(target, context());
  assert.equal(target.postponed, 1);
  target.isBlocked = true;
  replays.pump(target, context());
  assert.equal(target.postponed, 1);
  assert.deepEqual(target.sent, []);
});

test('looks at the clock every 64 messages, and leaves the rest to a later turn', () => {
  const replays = new Replays();
  const target = new Target();
  replays.add(replay('a', 1000));
  replays.pump(target, context({ msPerLook: 3 }));
  assert.equal(target.sent.length, 128);
  assert.equal(target.postponed, 1);
});

test('sends what is left with the options of a subscription that replaced the former one', () => {
  const replays = new Replays();
  const one = replay('a', 2);
  replays.add(one);
  const taken: unknown[] = [];
  one.replace = (...given) => taken.push(given);
  const subscription = { filter: 'a', qos: 2 } as Subscription;
  replays.replace(subscription, 7);
  replays.replace({ filter: 'b' } as Subscription, 8);
  assert.deepEqual(taken, [[subscription, 7]]);
});
