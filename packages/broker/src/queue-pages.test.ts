import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Connection } from './connection.ts';
import { Message } from './message.ts';
import type { Awaitable, StoredEntry } from './ports.ts';
import { Queue } from './queue.ts';
import { readPage } from './queue-pages.ts';
import type { SessionContext } from './session-context.ts';
import { storedTopic } from './topics.ts';

const CONNECTION = {} as Connection;

function stored(position: number): StoredEntry {
  const message = Message.of(storedTopic('t'), Buffer.alloc(10));
  return { position, message, qos: 1, retain: false, identifiers: [], share: undefined, released: false };
}

/** A queue of so many entries that the store alone has, and what reading it does. */
function pages(count: number) {
  const held = { messages: 0 };
  const queue = new Queue({ keep: () => (held.messages += 1), release: () => (held.messages -= 1) }, true);
  queue.restore({ messages: count, bytes: count * 100, shares: 0, lastPosition: count }, 0);
  const happened: string[] = [];
  const state = { hasMemory: true, isIdle: true, isLost: false, isLater: false };
  const reader = {
    number: 7,
    connection: CONNECTION as Connection | undefined,
    inflightMessages: 0,
    has: () => true,
    pump: () => happened.push('pump'),
    continueWhenDurable: () => happened.push('wait'),
  };
  const context = {
    hasMemory: () => state.hasMemory,
    beginTurn: () => undefined,
    commits: {
      get isIdle() {
        return state.isIdle;
      },
      fail: (error: Error) => happened.push(error.message),
    },
    store: {
      queue: (_session: number, after: number, limit: number): Awaitable<readonly StoredEntry[]> => {
        const left = state.isLost ? 0 : Math.min(limit, count - after);
        const page = Array.from({ length: left }, (_, i) => stored(after + i + 1));
        return state.isLater ? Promise.resolve(page) : page;
      },
    },
  } as unknown as SessionContext;
  return { held, queue, happened, state, reader, read: () => readPage(reader, queue, context) };
}

test('reads a whole page while there is memory', () => {
  const { held, read } = pages(3_000);
  assert.deepEqual([read(), held.messages], [true, 1_024]);
});

test('reads one message where memory is short, and none before what is under way is over', () => {
  const { held, state, reader, read } = pages(3_000);
  state.hasMemory = false;
  reader.inflightMessages = 1;
  assert.deepEqual([read(), held.messages], [false, 0]);
  reader.inflightMessages = 0;
  assert.deepEqual([read(), held.messages], [true, 1]);
});

test('reads one message for who is away where memory is short, whatever is under way', () => {
  const { held, state, reader, read } = pages(3_000);
  Object.assign(reader, { connection: undefined, inflightMessages: 1 });
  state.hasMemory = false;
  assert.deepEqual([read(), held.messages], [true, 1]);
});

test('goes on when a page comes later, and forgets one whose client has gone meanwhile', async () => {
  const here = pages(10);
  here.state.isLater = true;
  assert.equal(here.read(), false);
  await here.queue.whenRead();
  assert.deepEqual([here.happened, here.held.messages], [['pump'], 10]);

  const gone = pages(10);
  gone.state.isLater = true;
  gone.read();
  gone.reader.connection = undefined;
  await gone.queue.whenRead();
  assert.deepEqual([gone.happened, gone.held.messages, gone.queue.pagedSize], [[], 0, 10]);
});

test('waits for what is on its way into the store, and fails where nothing is', () => {
  const { happened, state, read } = pages(3);
  state.isLost = true;
  state.isIdle = false;
  assert.deepEqual([read(), happened], [false, ['wait']]);
  state.isIdle = true;
  read();
  assert.match(happened[1], /Cannot read the queue of session 7 after position 0: .* expected are 3 entries/);
});
