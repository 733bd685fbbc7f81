/** What any implementation of TCP wires must do towards peers of all manners: a test suite, and what it stands on. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as net from 'node:net';
import { describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { type AcceptOptions, connectTcp, listenTcp, type TcpImplementation, type TcpListenOptions } from '../tcp.ts';
import type { Listener, Wire } from '../wire.ts';
import { Recorder } from './recorder.ts';
import { describeWire } from './wire.ts';

export const HOST = '127.0.0.1';
export const LIMIT = { timeout: 20_000 };
/** Every implementation there is. */
export const WAYS: readonly TcpImplementation[] = ['net', 'handle'];

/** A listener which keeps what it accepts. */
export class Accepting<L extends Listener = Listener> {
  readonly wires: Wire[] = [];
  readonly errors: Error[] = [];
  /** Code and address. */
  readonly refused: [string, string][] = [];
  listener!: L;
  #waiting: ((wire: Wire) => void)[] = [];

  static at(options: Partial<TcpListenOptions>): Promise<Accepting> {
    return Accepting.by((accepting) => listenTcp({ host: HOST, port: 0, ...accepting, ...options }));
  }

  /** Listens by any transport. */
  static async by<L extends Listener>(listen: (options: AcceptOptions) => Promise<L>): Promise<Accepting<L>> {
    const self = new Accepting<L>();
    self.listener = await listen({
      accept: (wire) => self.#accept(wire),
      onError: (error) => self.errors.push(error),
      onRefused: (error, peer) => self.refused.push([error.code, peer.address]),
    });
    return self;
  }

  /** The next accepted wire, now or when it comes. */
  next(): Promise<Wire> {
    const wire = this.wires.shift();
    return wire === undefined ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve(wire);
  }

  #accept(wire: Wire): void {
    const resolve = this.#waiting.shift();
    if (resolve === undefined) this.wires.push(wire);
    else resolve(wire);
  }
}

/** A raw socket of `node:net` joined to a wire. */
export async function withRawPeer(
  implementation: TcpImplementation,
  options: Partial<TcpListenOptions> = {},
): Promise<{ wire: Wire; socket: net.Socket }> {
  const accepting = await Accepting.at({ implementation, ...options });
  const socket = net.connect({ host: HOST, port: accepting.listener.port, allowHalfOpen: true });
  socket.on('error', () => {});
  const wire = await accepting.next();
  await accepting.listener.close();
  return { wire, socket };
}

/** Declares the suite for one implementation, that of every wire included. */
export function describeTcp(implementation: TcpImplementation): void {
  describeWire(`TCP, ${implementation}`, async () => {
    const accepting = await Accepting.at({ implementation });
    const [client, server] = await Promise.all([
      connectTcp({ host: HOST, port: accepting.listener.port, implementation }),
      accepting.next(),
    ]);
    await accepting.listener.close();
    return [client, server];
  });
  describe(`a TCP wire: ${implementation}`, () => describePeers(implementation));
}

function describePeers(implementation: TcpImplementation): void {
  test('stays writable after the peer has sent its last', LIMIT, async () => {
    const { wire, socket } = await withRawPeer(implementation);
    const recorder = Recorder.open(wire);
    const answer: Buffer[] = [];
    socket.on('data', (chunk) => answer.push(chunk));
    socket.end('question');
    await recorder.told('ended');
    assert.equal(recorder.bytes.toString(), 'question');
    recorder.call(() => wire.write(Buffer.from('late ')));
    await turn();
    recorder.call(() => wire.write(Buffer.from('answer')));
    recorder.call(() => wire.close());
    await Promise.all([recorder.told('closed'), once(socket, 'close')]);
    assert.equal(Buffer.concat(answer).toString(), 'late answer');
    assert.equal(recorder.error, undefined);
  });

  test('tells ECONNRESET when the peer resets', LIMIT, async () => {
    const { wire, socket } = await withRawPeer(implementation);
    const recorder = Recorder.open(wire);
    socket.resetAndDestroy();
    await recorder.told('closed');
    assert.deepEqual(recorder.events, ['closed']);
    assert.equal((recorder.error as { code?: string }).code, 'ECONNRESET');
    assert.match(String(recorder.error), /The connection broke: the peer reset the connection \(ECONNRESET\)/);
  });

  test('gives up after lingerMs on a peer that does not close', LIMIT, async () => {
    const { wire, socket } = await withRawPeer(implementation, { lingerMs: 20 });
    const recorder = Recorder.open(wire);
    recorder.call(() => wire.close());
    await recorder.told('closed');
    assert.equal(recorder.error, undefined);
    socket.destroy();
  });

  test('gives up after lingerMs on a peer that does not read, and says so', LIMIT, async () => {
    const { wire, socket } = await withRawPeer(implementation, { lingerMs: 20 });
    socket.pause();
    const recorder = Recorder.open(wire);
    for (let count = 0; count < 64 && recorder.call(() => wire.write(Buffer.alloc(1024 * 1024))); count += 1);
    assert.ok(wire.pendingBytes > 0);
    recorder.call(() => wire.close());
    await recorder.told('closed');
    assert.match(String(recorder.error), /Cannot send the rest: no answer in time \(ETIMEDOUT\)/);
    socket.destroy();
  });

  test('reads and drops input while closing, also where it was paused', LIMIT, async () => {
    const { wire, socket } = await withRawPeer(implementation, { lingerMs: 3_600_000 });
    const recorder = Recorder.open(wire);
    recorder.call(() => wire.pause());
    const answer: Buffer[] = [];
    socket.on('data', (chunk) => answer.push(chunk));
    socket.end(Buffer.alloc(8 * 1024 * 1024));
    await turn();
    recorder.call(() => wire.write(Buffer.from('last')));
    recorder.call(() => wire.close());
    await Promise.all([recorder.told('closed'), once(socket, 'close')]);
    assert.equal(Buffer.concat(answer).toString(), 'last');
    assert.deepEqual([recorder.events, recorder.error], [['closed'], undefined]);
  });

  test('closes the connection even if it was never opened', LIMIT, async () => {
    const { wire, socket } = await withRawPeer(implementation);
    wire.close();
    socket.resume();
    await once(socket, 'end');
    socket.end();
    await Recorder.open(wire).told('closed');
  });

  test('knows the peer by address and port', LIMIT, async () => {
    const { wire, socket } = await withRawPeer(implementation);
    assert.deepEqual(wire.peer, { address: HOST, port: socket.localPort });
    wire.destroy();
    assert.equal(wire.peer.address, HOST);
    socket.destroy();
  });

  test('shows an IPv4 peer of an IPv6 listener as IPv4', LIMIT, async (context) => {
    const accepting = await Accepting.at({ implementation, host: '::' }).catch(() => undefined);
    if (accepting === undefined) return context.skip('no IPv6 here');
    assert.equal(accepting.listener.address, `[::]:${accepting.listener.port}`);
    const socket = net.connect({ host: HOST, port: accepting.listener.port });
    const wire = await accepting.next();
    assert.equal(wire.peer.address, HOST);
    await accepting.listener.close();
    wire.destroy();
    socket.destroy();
  });
}
