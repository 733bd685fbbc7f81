import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Recorder } from './contract/recorder.ts';
import { describeTcp, LIMIT, withRawPeer } from './contract/tcp.ts';

describeTcp('handle');

test('a raw handle reads what the peer sent before its reset, although a write fails first', LIMIT, async () => {
  const { wire, socket } = await withRawPeer('handle');
  const recorder = Recorder.open(wire);
  recorder.call(() => wire.pause());
  socket.write('goodbye', () => socket.resetAndDestroy());
  await once(socket, 'close');
  for (let tries = 0; tries < 100; tries += 1) {
    recorder.call(() => wire.write(Buffer.from('anyone?')));
    await turn();
  }
  recorder.call(() => wire.resume());
  await recorder.told('closed');
  assert.equal(recorder.bytes.toString(), 'goodbye');
  assert.match(String(recorder.error), /\((ECONNRESET|EPIPE)\)/);
});

test('a raw handle keeps the bytes of an unfinished write from the garbage collector', LIMIT, async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const { wire, socket } = await withRawPeer('handle');
  const recorder = Recorder.open(wire);
  let sent = 0;
  do sent += 1;
  while (sent < 64 && recorder.call(() => wire.write(Buffer.alloc(1024 * 1024, 7))));
  for (let more = 0; more < 4; more += 1, sent += 1) recorder.call(() => wire.write(Buffer.alloc(1024 * 1024, 7)));
  assert.ok(wire.pendingBytes > 0);
  for (let rounds = 0; rounds < 4; rounds += 1) {
    collect();
    await turn();
  }
  const others = Array.from({ length: sent }, () => Buffer.alloc(1024 * 1024, 8));
  let received = 0;
  socket.on('data', (chunk) => {
    assert.ok(chunk.every((byte) => byte === 7));
    received += chunk.length;
    if (received === sent * 1024 * 1024) socket.end();
  });
  await recorder.told('ended');
  recorder.call(() => wire.close());
  await recorder.told('closed');
  assert.equal(received, others.length * 1024 * 1024);
});

test('a raw handle resets a peer that has not read what is dropped', LIMIT, async () => {
  const { wire, socket } = await withRawPeer('handle');
  for (let count = 0; count < 64 && wire.write(Buffer.alloc(1024 * 1024)); count += 1);
  assert.ok(wire.pendingBytes > 0);
  wire.destroy();
  const failed = once(socket, 'error');
  socket.resume();
  assert.equal(((await failed)[0] as { code?: string }).code, 'ECONNRESET');
});
