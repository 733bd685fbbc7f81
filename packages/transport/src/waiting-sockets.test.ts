import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { WaitingSockets } from './waiting-sockets.ts';

function waitingSockets(waitingMax: number, waitingPerAddressMax: number) {
  const told: string[] = [];
  const waiting = new WaitingSockets({ waitingMax, waitingPerAddressMax, onFull: ({ code }) => told.push(code) });
  const come = (address: string): Socket | undefined => {
    const socket = new Socket();
    // One that is to make room is heard of by its error.
    socket.on('error', () => {});
    if (!waiting.add(socket, address)) return undefined;
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
    for (let count = 0; count < 3; count += 1) assert.equal(come('127.0.0.2'), undefined);
    assert.deepEqual(told, ['DUNLIN_WAITING_MAX']);
    for (const socket of sockets) waiting.delete(socket as Socket);
    assert.ok(come('127.0.0.2'));
  });

  test('make room, the oldest of the network that has most, for one of another that has less', () => {
    const { waiting, told, come } = waitingSockets(5, Infinity);
    const [first, second, third] = [1, 2, 3].map(() => come('192.0.2.7') as Socket);
    const other = [come('192.0.2.8'), come('192.0.2.8')] as Socket[];
    assert.equal(come('192.0.2.7'), undefined);
    const newcomer = come('192.0.2.9');
    assert.ok(newcomer);
    assert.deepEqual(
      [first, second, third, ...other, newcomer].map(({ destroyed }) => destroyed),
      [true, false, false, false, false, false],
    );
    assert.equal((first.errored as { code?: string } | null)?.code, 'DUNLIN_WAITING_MAX');
    // Both have two now, of which nobody has to give one to the other.
    assert.deepEqual([come('192.0.2.7'), come('192.0.2.8')], [undefined, undefined]);
    assert.deepEqual(told, ['DUNLIN_WAITING_MAX']);
    waiting.delete(second);
    assert.ok(come('192.0.2.8'));
  });

  test('of a proxy count for it until it has told whose they are', () => {
    const { waiting } = waitingSockets(3, 2);
    const proxied = [1, 2, 3].map(() => new Socket().on('error', () => {}));
    for (const socket of proxied) assert.ok(waiting.add(socket, '192.0.2.1', true));
    assert.equal(waiting.add(new Socket(), '192.0.2.1', true), false);
    assert.ok(waiting.addressKnown(proxied[0], '192.0.2.1'));
    assert.ok(waiting.addressKnown(proxied[1], '192.0.2.7'));
    assert.ok(waiting.addressKnown(proxied[2], '192.0.2.7'));
    const next = new Socket();
    assert.ok(waiting.add(next, '192.0.2.1', true));
    assert.deepEqual(
      proxied.map(({ destroyed }) => destroyed),
      [false, true, false],
    );
  });

  test('of a network get its fair share at least, whoever else wants the places', () => {
    const networks = Array.from({ length: 6 }, (_, at) => `192.0.2.${at}`);
    const visit = fc.record({ network: fc.nat(5), leaves: fc.boolean(), which: fc.nat(100) });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.array(visit, { maxLength: 200 }), (most, visits) => {
        const { waiting, come } = waitingSockets(most, Infinity);
        const there = networks.map((): Socket[] => []);
        for (const { network, leaves, which } of visits) {
          if (leaves) {
            const [gone] = there[network].splice(which % Math.max(1, there[network].length), 1);
            if (gone !== undefined) waiting.delete(gone);
            continue;
          }
          const before = there.map(({ length }) => length);
          const own = before[network];
          const wanting = before.filter((count, at) => count > 0 || at === network).length;
          const socket = come(networks[network]);
          if (socket === undefined) {
            assert.equal(
              before.reduce((sum, count) => sum + count),
              most,
            );
            assert.equal(own, Math.max(...before));
            assert.ok(own >= Math.floor(most / wanting));
          } else there[network].push(socket);
          for (const [at, sockets] of there.entries()) {
            const [oldest] = sockets;
            if (oldest?.destroyed !== true) continue;
            assert.equal(before[at], Math.max(...before));
            sockets.shift();
          }
          assert.ok(there.flat().every(({ destroyed }) => !destroyed));
          assert.ok(there.flat().length <= most);
        }
      }),
      { numRuns: 300 },
    );
  });
});
