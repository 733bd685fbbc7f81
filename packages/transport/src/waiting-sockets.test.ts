import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { describe, test } from 'node:test';
import { WaitingSockets } from './waiting-sockets.ts';

function waitingSockets(waitingMax: number, waitingPerAddressMax: number) {
  const told: string[] = [];
  const waiting = new WaitingSockets({ waitingMax, waitingPerAddressMax, onFull: ({ code }) => told.push(code) });
  const come = (address: string): Socket | undefined => {
    const socket = new Socket();
    if (!waiting.add(socket)) return undefined;
    if (waiting.addressKnown(socket, address)) return socket;
    waiting.delete(socket);
    return undefined;
  };
  return { waiting, told, come };
}

describe('sockets that wait', () => {
  test('are bounded for each IPv4 address and each /64 of IPv6, told once, and make room when they leave', () => {
    const { waiting, told, come } = waitingSockets(100, 2);
    const first = come('192.0.2.7');
    assert.ok(first && come('::ffff:192.0.2.7'));
    for (let count = 0; count < 3; count += 1) assert.equal(come('192.0.2.7'), undefined);
    assert.deepEqual(told, ['DUNLIN_ADDRESS_WAITING_MAX']);
    assert.ok(come('2001:db8::1') && come('2001:db8::2'));
    assert.equal(come('2001:db8::3'), undefined);
    assert.ok(come('2001:db8:0:1::3'));
    waiting.delete(first);
    waiting.delete(first);
    assert.ok(come('192.0.2.7'));
    assert.equal(come('192.0.2.7'), undefined);
    assert.equal(told.length, 3);
  });

  test('are bounded in all, those from loopback and Unix sockets too, which have no limit of their own', () => {
    const { waiting, told, come } = waitingSockets(3, 1);
    const sockets = [come('127.0.0.1'), come('127.0.0.1'), come('unix')];
    assert.ok(sockets.every((socket) => socket !== undefined));
    for (let count = 0; count < 3; count += 1) assert.equal(come('192.0.2.7'), undefined);
    assert.deepEqual(told, ['DUNLIN_WAITING_MAX']);
    for (const socket of sockets) waiting.delete(socket as Socket);
    assert.ok(come('192.0.2.7'));
  });
});
