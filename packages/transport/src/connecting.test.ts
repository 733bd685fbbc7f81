import assert from 'node:assert/strict';
import * as net from 'node:net';
import { test } from 'node:test';
import { connected } from './connecting.ts';

test('a socket is awaited until the first of event, error, signal and time-out, and leaves no listener behind', async () => {
  const settled = async (cause: (socket: net.Socket, abort: AbortController) => void, timeoutMs = 3_600_000) => {
    const socket = new net.Socket();
    const abort = new AbortController();
    const waiting = connected(socket, 'secureConnect', timeoutMs, abort.signal).then(
      () => 'there',
      (error: { code?: string; type?: string }) => error.code ?? error.type,
    );
    cause(socket, abort);
    const outcome = await waiting;
    return [outcome, socket.listenerCount('secureConnect')];
  };
  assert.deepEqual(await settled((socket) => socket.emit('secureConnect')), ['there', 0]);
  const refused = Object.assign(new Error('no'), { code: 'ECONNREFUSED' });
  assert.deepEqual(await settled((socket) => socket.emit('error', refused)), ['ECONNREFUSED', 0]);
  assert.deepEqual(await settled((_, abort) => abort.abort()), ['abort', 0]);
  assert.deepEqual(await settled(() => {}, 1), ['ETIMEDOUT', 0]);
});
