import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { encodePacket, type Packet, type ProtocolVersion } from '@dunlin/protocol';
import { memoryPair } from '@dunlin/transport';
import { Conversation } from './conversation.ts';
import { Obstacle } from './obstacle.ts';

/** A conversation and the other end of its wire. */
function talking(version: ProtocolVersion = 5, stop = new AbortController()) {
  const [wire, server] = memoryPair((run) => setImmediate(run));
  const sent: string[] = [];
  const onlookers = { sent: (packet: Packet) => void sent.push(packet.type), received: () => {} };
  const conversation = new Conversation(wire, version, 1000, stop.signal, onlookers);
  server.open({ received: () => {}, ended: () => {}, drained: () => {}, closed: () => {} });
  const say = (packet: Packet): void => void server.write(Buffer.from(encodePacket(packet, version)));
  return { conversation, server, say, sent, stop };
}

const obstacle = (message: RegExp, answer: false | undefined) => (error: unknown) => {
  assert.ok(error instanceof Obstacle);
  assert.match(error.message, message);
  assert.equal(error.answer, answer);
  return true;
};
const message = { type: 'publish', dup: false, retain: false, topic: 'a', properties: {} } as const;

describe('a conversation', { timeout: 10_000 }, () => {
  test('a CONNACK of an older version is told with the Reason Code that fits', async () => {
    const { conversation, say } = talking(4);
    const begun = conversation.begin({
      type: 'connect',
      protocolVersion: 4,
      bridge: false,
      clientId: 'a',
      cleanStart: true,
      keepAlive: 0,
      properties: {},
    });
    say({ type: 'connack', sessionPresent: false, reasonCode: 5, properties: {} });
    await assert.rejects(begun, obstacle(/^CONNECT: Not authorized \(0x87\)$/, undefined));
  });

  test('messages are acknowledged unless a check wants to wait', async () => {
    const { conversation, say, sent } = talking();
    say({ ...message, qos: 2, packetId: 7, payload: Buffer.from('x') });
    say({ type: 'pubrel', packetId: 7, reasonCode: 0, properties: {} });
    assert.equal((await conversation.message()).packetId, 7);
    await conversation.packet('pubrel', 'PUBREL');
    assert.deepEqual(sent, ['pubrec', 'pubcomp']);
    conversation.isAcknowledging = false;
    say({ ...message, qos: 1, packetId: 8, payload: Buffer.from('y') });
    await conversation.message();
    assert.deepEqual(sent, ['pubrec', 'pubcomp']);
  });

  test('the Reason Code of DISCONNECT is why what waits ends', async () => {
    const { conversation, say, server } = talking();
    const waiting = conversation.message();
    say({ type: 'disconnect', reasonCode: 0x98, properties: {} });
    server.close();
    await assert.rejects(waiting, obstacle(/: DISCONNECT: Administrative action \(0x98\)/, undefined));
  });

  test('packets that break the standard end it, and so do packets that are too large', async () => {
    for (const bytes of [
      [0xff, 0x00],
      [0x30, 0xff, 0x7f],
    ]) {
      const { conversation, server } = talking();
      server.write(Buffer.from(bytes));
      await assert.rejects(conversation.message(), obstacle(/the server broke the standard: /, false));
    }
  });

  test('a server that sends far more than was asked for is left', async () => {
    const { conversation, say } = talking();
    for (let sent = 0; sent < 6; sent++) say({ ...message, qos: 0, packetId: 0, payload: Buffer.alloc(900) });
    await assert.rejects(
      conversation.packet('suback', 'SUBSCRIBE'),
      obstacle(/sends far more than was asked for/, false),
    );
    const taking = talking();
    for (let sent = 0; sent < 6; sent++) {
      taking.say({ ...message, qos: 0, packetId: 0, payload: Buffer.alloc(900) });
      await taking.conversation.message();
    }
  });

  test('the signal ends whatever waits, with its reason', async () => {
    const { conversation, stop } = talking();
    const waiting = [conversation.message(), conversation.pause(60_000)];
    stop.abort(new Obstacle('over', undefined));
    await assert.rejects(waiting[0], obstacle(/^waiting for the message: over$/, undefined));
    await assert.rejects(waiting[1], obstacle(/^over$/, undefined));
    assert.equal(await conversation.endedWithin(60_000), false);
  });
});
