import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodePacket } from '@dunlin/protocol';
import { type MemoryWire, memoryPair, type WireHandler } from '@dunlin/transport';
import { type AttemptContext, attempt } from './attempt.ts';
import { ScriptedServer } from './contract/scripted-server.ts';
import type { ClientOptions } from './options.ts';
import { settingsOf } from './settings.ts';
import { turns, VirtualEnvironment } from './testing/virtual-environment.ts';

function setUp(options: ClientOptions = {}, url: string | (() => Promise<string>) = 'mqtt://me:secret@one') {
  const environment = new VirtualEnvironment();
  const wires: MemoryWire[] = [];
  const dial = async () => {
    const [ours, theirs] = memoryPair(setImmediate);
    wires.push(theirs);
    return ours;
  };
  const context: AttemptContext = {
    settings: settingsOf({ dial, environment }, url, { connectTimeoutMs: 1000, ...options }),
    url: undefined,
    clientId: 'c',
    cleanStart: true,
    tap: { isOpen: false, sent: () => {}, received: () => {} },
    certificateSeen: () => {},
    isAsked: false,
  };
  return { context, environment, wires };
}

test('user and password of the URL are used where the options have none', async () => {
  const { context, wires } = setUp({ password: 'other' });
  const under = attempt(context, new AbortController().signal);
  await turns();
  const server = new ScriptedServer(wires[0], 5);
  const { username, password } = await server.next('connect');
  assert.deepEqual([username, String(Buffer.from(password ?? []))], ['me', 'other']);
  server.send({ type: 'connack', sessionPresent: false, reasonCode: 0, properties: {} });
  const { connection } = await under;
  assert.equal(context.url?.host, 'one');
  connection.destroy();
});

test('a server that says nothing, a dial that hangs and a function that hangs are given up in time', async () => {
  const never = () => new Promise<never>(() => {});
  for (const { context, environment } of [
    setUp(),
    setUp({ dial: never }),
    setUp({ password: never }),
    setUp({}, never),
  ]) {
    const outcome = assert.rejects(attempt(context, new AbortController().signal), { code: 'timed-out' });
    await environment.advance(1000);
    await outcome;
    assert.equal(environment.nextMs, undefined);
  }
});

test('who is not wanted any more is told so, and a wire that comes late is closed', async () => {
  const late = Promise.withResolvers<MemoryWire>();
  const { context } = setUp({ dial: () => late.promise });
  const controller = new AbortController();
  const outcome = assert.rejects(attempt(context, controller.signal), { code: 'aborted' });
  await turns();
  controller.abort(new Error('over'));
  await outcome;
  const [ours, theirs] = memoryPair(setImmediate);
  late.resolve(ours);
  const server = new ScriptedServer(theirs, 5);
  await server.closed();
  assert.deepEqual(server.packets, []);
});

test('what a function throws fails the attempt with its text', async () => {
  const { context } = setUp({ username: () => Promise.reject(new Error('no token')) });
  await assert.rejects(attempt(context, new AbortController().signal), { code: 'connection-failed' });
});

test('a wire that closes in the turn of its CONNACK makes no connection, and the server may have begun a session', async () => {
  const [ours] = memoryPair(setImmediate);
  const opened = Promise.withResolvers<WireHandler>();
  ours.open = (handler) => opened.resolve(handler);
  const { context } = setUp({ dial: async () => ours });
  const outcome = assert.rejects(attempt(context, new AbortController().signal), { code: 'connection-lost' });
  const handler = await opened.promise;
  await turns();
  handler.received(encodePacket({ type: 'connack', sessionPresent: false, reasonCode: 0, properties: {} }, 5));
  handler.closed(new Error('reset'));
  await outcome;
  assert.equal(context.isAsked, true);
});
