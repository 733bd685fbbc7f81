import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodePacket, NO_PROPERTIES, type Packet, type MqttError as ProtocolError } from '@dunlin/protocol';
import { type MemoryWire, memoryPair, type Wire } from '@dunlin/transport';
import { Connection } from './connection.ts';
import { settled } from './contract/scripted-server.ts';
import { MqttError } from './errors.ts';

function setUp() {
  const [ours, theirs] = memoryPair(setImmediate);
  const told: string[] = [];
  const written: Buffer[] = [];
  theirs.open({
    received: (chunk) => void written.push(Buffer.from(chunk)),
    ended: () => {},
    drained: () => {},
    closed: () => {},
  });
  let onPacket = (_packet: Packet): void => {};
  const tap = { isOpen: true, sent: ({ type }: Packet) => void told.push(`sent ${type}`), received: () => {} };
  const connection = new Connection(ours, 5, 1000, tap, {
    received: (packet) => {
      if (packet.type === 'connack') return;
      told.push(packet.type);
      onPacket(packet);
    },
    drained: () => void told.push('drained'),
    failed: (error) => void told.push(`failed ${(error as ProtocolError).code}`),
    closed: (error) => void told.push(error === undefined ? 'closed' : 'broken'),
  });
  connection.open();
  theirs.write(connack);
  const answer = (call: (packet: Packet) => void): void => {
    onPacket = call;
  };
  return { connection, told, written, server: theirs as MemoryWire, answer };
}

const connack = Buffer.from(encodePacket({ type: 'connack', sessionPresent: false, reasonCode: 0, properties: {} }, 5));
const ping = Buffer.from(encodePacket({ type: 'pingresp' }, 5));

test('packets of one turn leave in one write, in order', async () => {
  const { connection, written, told } = setUp();
  connection.send({ type: 'pingreq' });
  connection.send({ type: 'disconnect', reasonCode: 0, properties: NO_PROPERTIES });
  connection.left().then(() => told.push('left'));
  assert.deepEqual(told, ['sent pingreq', 'sent disconnect']);
  await settled();
  assert.equal(Buffer.concat(written).toString('hex'), 'c000e000');
  assert.deepEqual(told, ['sent pingreq', 'sent disconnect', 'left']);
});

test("a packet above the server's Maximum Packet Size is not sent [MQTT-3.2.2-15]", () => {
  const { connection, told } = setUp();
  connection.maximumPacketSize = 3;
  const filters = ['a'];
  assert.throws(
    () => connection.send({ type: 'unsubscribe', packetId: 1, properties: NO_PROPERTIES, filters }),
    (error: MqttError) => error instanceof MqttError && error.reasonCode === 0x95,
  );
  assert.deepEqual(told, []);
});

test('pause keeps the packets behind, resume goes on with them', async () => {
  const { connection, told, server, answer } = setUp();
  answer(() => connection.pause());
  server.write(Buffer.concat([ping, ping, ping]));
  await settled();
  assert.deepEqual(told, ['pingresp']);
  answer(() => {});
  connection.resume();
  connection.resume();
  await settled();
  assert.deepEqual(told, ['pingresp', 'pingresp', 'pingresp']);
});

test('a fault is told once and nothing is read behind it', async () => {
  const { connection, told, server } = setUp();
  server.write(Buffer.concat([Buffer.of(0, 0), ping]));
  await settled();
  assert.deepEqual(told, ['failed malformed-packet']);
  connection.close();
  await settled();
  assert.deepEqual(told, ['failed malformed-packet', 'closed']);
});

test('after close nothing is sent or received, and closed is told once', async () => {
  const { connection, told, server, written } = setUp();
  connection.close();
  connection.close();
  connection.send({ type: 'pingreq' });
  server.write(ping);
  await settled();
  connection.destroy();
  await settled();
  assert.deepEqual(told, ['closed']);
  assert.deepEqual(written, []);
});

test('a server that ends its side ends the connection', async () => {
  const { told, server } = setUp();
  server.close();
  await settled();
  assert.deepEqual(told, ['closed']);
});

test('a broken wire is told with its error', async () => {
  const { told, server } = setUp();
  server.destroy();
  await settled();
  assert.deepEqual(told, ['broken']);
});

test('what does not begin as a server of MQTT begins is refused at once, however long a packet it claims', async () => {
  for (const [text, first] of [
    ['HTTP', '0x48'],
    ['SSH-', '0x53'],
    ['220 ', '0x32'],
  ]) {
    const [ours, theirs] = memoryPair(setImmediate);
    const failures: Error[] = [];
    const ignore = (): void => {};
    const connection = new Connection(
      ours,
      5,
      1000,
      { isOpen: false, sent: ignore, received: ignore },
      {
        received: ignore,
        drained: ignore,
        failed: (error) => void failures.push(error),
        closed: ignore,
      },
    );
    connection.open();
    theirs.open({ received: ignore, ended: ignore, drained: ignore, closed: ignore });
    theirs.write(Buffer.from(text));
    await settled();
    assert.deepEqual(
      failures.map(({ message }) => message),
      [`Cannot accept the answer: it begins with ${first}, expected CONNACK (0x20) of an MQTT server`],
    );
    connection.destroy();
  }
});

test('an answer above the Maximum Packet Size of the server fails the connection, and DISCONNECT is left out', async () => {
  const { connection, told, written } = setUp();
  connection.maximumPacketSize = 1;
  connection.send({ type: 'pingreq' });
  connection.send({ type: 'puback', packetId: 1, reasonCode: 0, properties: NO_PROPERTIES });
  connection.send({ type: 'disconnect', reasonCode: 0, properties: NO_PROPERTIES });
  connection.close();
  await settled();
  assert.deepEqual(told, ['failed not-supported', 'failed not-supported', 'closed']);
  assert.deepEqual(written, []);
});

test('a server that is answered and does not read is not read either, until it does', () => {
  const calls: string[] = [];
  let isFull = false;
  const wire: Wire = {
    peer: { address: 'test', port: 0 },
    pendingBytes: 0,
    open: () => {},
    write: () => !isFull,
    pause: () => void calls.push('pause'),
    resume: () => void calls.push('resume'),
    close: () => {},
    destroy: () => {},
  };
  const ignore = (): void => {};
  const tap = { isOpen: false, sent: ignore, received: ignore };
  const owner = { received: ignore, drained: ignore, failed: ignore, closed: ignore };
  const connection = new Connection(wire, 5, 1000, tap, owner);
  const answer = (): void => {
    for (let packetId = 1; packetId <= 65_535; packetId++) {
      connection.send({ type: 'puback', packetId, reasonCode: 0, properties: NO_PROPERTIES });
    }
  };
  isFull = true;
  for (let times = 0; times < 4; times++) answer();
  assert.deepEqual(calls, [], 'what a Receive Maximum allows');
  for (let times = 0; times < 4; times++) answer();
  assert.equal(calls[0], 'pause');
  calls.length = 0;
  isFull = false;
  connection.drained();
  connection.drained();
  assert.deepEqual(calls, ['resume']);
});

test('a connection that is breaking takes no messages, and what is sent on it has not left', async () => {
  const { connection } = setUp();
  assert.equal(connection.isWritable, true);
  connection.destroy();
  // Messages wait for the next connection, where they are sent for the first time [MQTT-3.3.1-1].
  assert.equal(connection.isWritable, false);
  connection.send({ type: 'pingreq' });
  await assert.rejects(connection.left(), { code: 'connection-lost' });
});
