/** What the client makes of messages, and how it acknowledges them (sections 3.3, 4.3, 4.5, 4.6). */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Properties, ProtocolVersion } from '@dunlin/protocol';
import { connected, dial, settled, subscribed } from './scripted-server.ts';

const text = (value: string) => new TextEncoder().encode(value);

for (const version of [3, 4, 5] as ProtocolVersion[]) {
  describe(`receiving, level ${version}`, () => {
    test('QoS 0 is delivered and not answered [MQTT-3.3.4-1, MQTT311-3.3.4-1]', async () => {
      const { server, messages } = await subscribed({}, { version });
      server.publish({ topic: 'a', payload: text('x') });
      await server.expectNothing();
      assert.deepEqual(messages, [{ topic: 'a', text: 'x', qos: 0 }]);
    });

    test('QoS 1 is answered with PUBACK of the same identifier [MQTT-3.3.4-1, MQTT-2.2.1-5, MQTT-4.3.2-4, MQTT311-2.3.1-6, MQTT311-4.3.2-2]', async () => {
      const { server, messages } = await subscribed({}, { version });
      for (const packetId of [1, 0x100, 65_535]) {
        server.publish({ topic: 'a', qos: 1, packetId });
        const packet = await server.next('puback');
        assert.deepEqual([packet.packetId, packet.reasonCode], [packetId, 0]);
      }
      assert.equal(messages.length, 3);
    });

    test('after PUBACK the same identifier is a new message, whatever DUP says [MQTT-4.3.2-5, MQTT311-4.3.2-2]', async () => {
      const { server, messages } = await subscribed({}, { version });
      for (const dup of [false, true]) {
        server.publish({ topic: 'a', qos: 1, packetId: 5, dup });
        await server.next('puback');
      }
      assert.equal(messages.length, 2);
    });

    test('QoS 2 is delivered once until PUBREL and afterwards anew [MQTT-4.3.3-8, MQTT-4.3.3-10, MQTT-4.3.3-11, MQTT-4.3.3-12, MQTT-3.7.2-1, MQTT-4.1.0-1, MQTT311-4.3.3-2, MQTT311-4.1.0-1, MQTT311-4.1.0-2]', async () => {
      const { server, messages } = await subscribed({}, { version });
      for (const round of [1, 2]) {
        for (const dup of [false, true]) {
          server.publish({ topic: 'a', qos: 2, packetId: 7, dup });
          assert.equal((await server.next('pubrec')).packetId, 7);
        }
        assert.equal(messages.length, round);
        server.answer('pubrel', 7);
        const packet = await server.next('pubcomp');
        assert.deepEqual([packet.packetId, packet.reasonCode], [7, 0]);
      }
    });

    test('PUBREL for an unknown identifier is answered and the connection stays [MQTT-3.7.2-1, MQTT-4.3.3-11]', async () => {
      const { server, client } = await subscribed({}, { version });
      server.answer('pubrel', 9);
      assert.equal((await server.next('pubcomp')).reasonCode, version === 5 ? 0x92 : 0);
      assert.equal(client.state, 'connected');
    });

    test('a message nobody asked for is acknowledged too [MQTT-4.5.0-2, MQTT311-4.5.0-2]', async () => {
      const { server } = await connected({}, { version });
      server.publish({ topic: 'unknown', qos: 1, packetId: 1 });
      await server.next('puback');
      server.publish({ topic: 'unknown', qos: 2, packetId: 2 });
      await server.next('pubrec');
      server.answer('pubrel', 2);
      await server.next('pubcomp');
    });

    test('acknowledgements go out in the order of the messages [MQTT-4.6.0-2, MQTT-4.6.0-3, MQTT311-4.6.0-2, MQTT311-4.6.0-3]', async () => {
      const { server } = await subscribed({}, { version });
      for (let packetId = 10; packetId > 0; packetId--) server.publish({ topic: 'a', qos: 1, packetId });
      for (let packetId = 20; packetId > 10; packetId--) server.publish({ topic: 'a', qos: 2, packetId });
      for (let packetId = 10; packetId > 0; packetId--) assert.equal((await server.next('puback')).packetId, packetId);
      for (let packetId = 20; packetId > 10; packetId--) assert.equal((await server.next('pubrec')).packetId, packetId);
    });

    test('packets may be cut and joined in any way [MQTT-4.2-1, MQTT311-7.1.2-1]', async () => {
      const { server, messages } = await subscribed({}, { version, wire: { chunkBytes: () => 1 } });
      for (let packetId = 1; packetId < 4; packetId++)
        server.publish({ topic: 'a/b', qos: 1, packetId, payload: text('xyz') });
      for (let packetId = 1; packetId < 4; packetId++) await server.next('puback');
      assert.deepEqual(messages, Array(3).fill({ topic: 'a/b', text: 'xyz', qos: 1 }));
    });

    test('U+FEFF in a topic is kept [MQTT-1.5.4-3, MQTT311-1.5.3-3]', async () => {
      const { server, messages } = await subscribed({}, { version });
      server.publish({ topic: '\ufeffa' });
      await settled();
      assert.equal(messages[0].topic, '\ufeffa');
    });

    test('a message keeps its bytes when the transport uses its memory again', async () => {
      const { server, client } = await connected({}, { version });
      const kept: (() => string)[] = [];
      client.on('message', (message) => kept.push(() => message.text()));
      for (const value of ['first', 'other', 'third']) server.publish({ topic: 'a', payload: text(value) });
      await settled();
      assert.deepEqual(
        kept.map((read) => read()),
        ['first', 'other', 'third'],
      );
    });
  });
}

describe('receiving, MQTT 5.0', () => {
  test('every property reaches the application', async () => {
    const { server, client } = await connected();
    const properties = {
      payloadFormatIndicator: 1 as const,
      messageExpiryInterval: 60,
      contentType: 'text/plain',
      responseTopic: 'reply',
      correlationData: Uint8Array.of(1, 2),
      subscriptionIdentifiers: [3, 1],
      userProperties: [['a', 'b']] as const,
    };
    const received = new Promise<unknown>((resolve) => {
      client.on('message', (message) => resolve(message.properties));
    });
    server.publish({ topic: 'a', properties });
    assert.deepEqual(await received, properties);
  });

  test("every Topic Alias up to the client's maximum is taken, used again and given anew [MQTT-3.3.2-10]", async () => {
    const { server, messages } = await subscribed({ properties: { topicAliasMaximum: 5 } });
    for (let topicAlias = 1; topicAlias <= 5; topicAlias++)
      server.publish({ topic: `t/${topicAlias}`, properties: { topicAlias } });
    for (let topicAlias = 1; topicAlias <= 5; topicAlias++) server.publish({ topic: '', properties: { topicAlias } });
    server.publish({ topic: 'new', properties: { topicAlias: 3 } });
    server.publish({ topic: '', properties: { topicAlias: 3 } });
    await settled();
    const names = ['t/1', 't/2', 't/3', 't/4', 't/5'];
    assert.deepEqual(
      messages.map(({ topic }) => topic),
      [...names, ...names, 'new', 'new'],
    );
  });

  test('an alias on a repeated QoS 2 message is learnt although it is not delivered again', async () => {
    const { server, messages } = await subscribed({ properties: { topicAliasMaximum: 5 } });
    server.publish({ topic: 'a', qos: 2, packetId: 1 });
    server.publish({ topic: 'a', qos: 2, packetId: 1, dup: true, properties: { topicAlias: 1 } });
    server.publish({ topic: '', properties: { topicAlias: 1 } });
    await settled();
    assert.deepEqual(
      messages.map(({ topic }) => topic),
      ['a', 'a'],
    );
  });

  test('Topic Alias 0, above the maximum and without a topic end the connection [MQTT-3.3.2-8]', async () => {
    const cases: [string, number][] = [
      ['3007 0001 61 03 23 0000', 0x94],
      ['3007 0001 61 03 23 0006', 0x94],
      ['3006 0000 03 23 0001', 0x82],
    ];
    for (const [bytes, reasonCode] of cases) {
      const { server } = await subscribed({ properties: { topicAliasMaximum: 5 } });
      server.sendBytes(bytes);
      await server.expectEnd(reasonCode);
    }
  });

  test('more open messages than the Receive Maximum of the client end the connection [MQTT-4.9.0-2, MQTT-rule-21]', async () => {
    const { server } = await subscribed({ properties: { receiveMaximum: 2 } });
    for (const packetId of [1, 2, 3]) server.publish({ topic: 'a', qos: 2, packetId });
    await server.next('pubrec');
    await server.next('pubrec');
    await server.expectEnd(0x93);
  });

  test('completed messages do not count for the Receive Maximum', async () => {
    const { server, messages } = await subscribed({ properties: { receiveMaximum: 1 } });
    for (const packetId of [1, 2, 3]) {
      server.publish({ topic: 'a', qos: 2, packetId });
      await server.next('pubrec');
      server.answer('pubrel', packetId);
      await server.next('pubcomp');
      server.publish({ topic: 'a', qos: 1, packetId });
      await server.next('puback');
    }
    assert.equal(messages.length, 6);
  });

  test('control characters in what others publish do not end the connection: only U+0000 and bad UTF-8 do (1.5.4)', async () => {
    const { server, client, messages } = await subscribed();
    const found: Properties[] = [];
    client.on('message', ({ properties }) => void found.push(properties));
    const odd = 'a\u0001\t\u001f\u007f\u0085\ufdd0';
    server.publish({ topic: odd, qos: 1, packetId: 1, properties: { contentType: odd, userProperties: [[odd, odd]] } });
    await server.next('puback');
    assert.deepEqual([messages[0].topic, found], [odd, [{ contentType: odd, userProperties: [[odd, odd]] }]]);
  });

  test('a packet above the Maximum Packet Size of the client ends the connection', async () => {
    const { server } = await subscribed({ maximumPacketSize: 50 });
    server.publish({ topic: 'a', payload: new Uint8Array(60) });
    await server.expectEnd(0x95);
  });

  test('before 5.0 too, where no Reason Code can say why [MQTT311-4.8.0-2]', async () => {
    const { server, client } = await subscribed({ maximumPacketSize: 50 }, { version: 4 });
    server.publish({ topic: 'a', payload: new Uint8Array(60) });
    await server.expectEnd(0);
    assert.equal((await client.closed).error?.code, 'packet-too-large');
  });
});

describe('acknowledgements', () => {
  test('no answer carries a Reason String or User Properties, so each fits the smallest limit [MQTT-3.4.2-2, MQTT-3.4.2-3, MQTT-3.5.2-2, MQTT-3.5.2-3, MQTT-3.6.2-2, MQTT-3.6.2-3, MQTT-3.7.2-2, MQTT-3.7.2-3]', async () => {
    const { server } = await connected({}, { properties: { maximumPacketSize: 5 } });
    server.publish({ topic: 'a', qos: 1, packetId: 1 });
    server.publish({ topic: 'a', qos: 2, packetId: 2 });
    server.answer('pubrel', 2);
    server.answer('pubrel', 3);
    server.answer('pubrec', 4);
    const from = server.bytes.length;
    for (const type of ['puback', 'pubrec', 'pubcomp', 'pubcomp', 'pubrel'] as const) {
      assert.deepEqual((await server.next(type)).properties, {});
    }
    assert.equal(
      server.bytes.toString('hex', from),
      '40020001 50020002 70020002 7003000392 6203000492'.replaceAll(' ', ''),
    );
  });

  test('the exchange is finished although the message has expired [MQTT-4.3.3-7, MQTT-4.3.3-13]', async () => {
    const { server, client } = await subscribed();
    const properties = { messageExpiryInterval: 1 };
    server.publish({ topic: 'a', qos: 2, packetId: 1, properties });
    await server.next('pubrec');
    const publishing = client.publish('t', 'x', { qos: 2, properties });
    const { packetId } = await server.next('publish');
    await new Promise((resolve) => setTimeout(resolve, 1100));
    server.answer('pubrel', 1);
    assert.equal((await server.next('pubcomp')).reasonCode, 0);
    server.answer('pubrec', packetId);
    assert.equal((await server.next('pubrel')).reasonCode, 0);
    server.answer('pubcomp', packetId);
    await publishing;
  });
});

describe('messages that break a rule end the connection [MQTT311-4.8.0-1, MQTT-4.13.2-1]', () => {
  const faults: [string, string, number][] = [
    ['QoS 3 [MQTT-3.3.1-4, MQTT311-3.3.1-4]', '3605 0001 61 0001', 0x81],
    ['bad UTF-8 in the topic [MQTT-1.5.4-1, MQTT-3.3.2-1, MQTT311-1.5.3-1]', '3004 0002 c328', 0x81],
    ['a surrogate in the topic [MQTT-1.5.4-1]', '3005 0003 eda080', 0x81],
    ['U+0000 in the topic [MQTT-1.5.4-2, MQTT-4.7.3-2, MQTT311-1.5.3-2]', '3003 0001 00', 0x81],
    ['a wildcard in the topic [MQTT-3.3.2-2, MQTT-4.7.0-1, MQTT311-4.7.1-1]', '3005 0003 612f23', 0x90],
    ['DUP with QoS 0 [MQTT-3.3.1-2, MQTT311-3.3.1-2]', '3803 0001 61', 0x81],
    ['a padded Remaining Length [MQTT-1.5.5-1]', '308300 0001 61', 0x81],
    ['a Remaining Length of five bytes [MQTT-1.5.5-1]', '30ffffffff7f', 0x81],
    [
      'PUBREL with flags 0 [MQTT-3.6.1-1, MQTT-2.1.3-1, MQTT311-3.6.1-1, MQTT311-2.2.2-1, MQTT311-2.2.2-2]',
      '6002 0001',
      0x81,
    ],
    ['PUBACK with flags 1 [MQTT-2.1.3-1, MQTT311-2.2.2-2]', '4102 0001', 0x81],
    ['packet type 0 [MQTT-2.1.3-1, MQTT311-2.2.2-2]', '0000', 0x81],
    ['Packet Identifier 0 [MQTT-2.2.1-4, MQTT31-17]', '3205 0001 61 0000', 0x82],
    ['CONNECT from a server', '100c 0004 4d515454 04 02 0000 0000', 0x82],
    ['PINGREQ from a server', 'c000', 0x82],
  ];
  for (const [name, bytes, reasonCode] of faults) {
    test(`${name}, MQTT 5.0`, async () => {
      const { server, client } = await subscribed();
      server.sendBytes(name.startsWith('PU') || !bytes.startsWith('3') ? bytes : withProperties(bytes));
      await server.expectEnd(reasonCode);
      assert.equal((await client.closed).by, 'network');
    });
    // MQTT 3.1 lets DUP stand where it means nothing.
    for (const version of name.startsWith('DUP') ? [4 as const] : ([3, 4] as const)) {
      test(`${name}, level ${version}`, async () => {
        const { server } = await subscribed({}, { version });
        server.sendBytes(bytes);
        await server.expectEnd(reasonCode);
      });
    }
  }

  const faultsOf5: [string, string, number][] = [
    ['a User Property with bad UTF-8 [MQTT-1.5.7-1]', '300c 0001 61 08 26 0002 c328 0001 61', 0x81],
    ['a User Property with U+0000 in its value [MQTT-1.5.7-1]', '300b 0001 61 07 26 0001 61 0001 00', 0x81],
    ['Content Type with bad UTF-8 [MQTT-3.3.2-19]', '3009 0001 61 05 03 0002 c328', 0x81],
    ['Response Topic with bad UTF-8 [MQTT-3.3.2-13]', '3009 0001 61 05 08 0002 c328', 0x81],
    ['Response Topic with a wildcard [MQTT-3.3.2-14]', '3008 0001 61 04 08 0001 23', 0x90],
    ['Subscription Identifier 0 [MQTT-rule-20]', '3006 0001 61 02 0b 00', 0x82],
    ['Content Type twice', '300c 0001 61 08 03 0001 61 03 0001 61', 0x82],
    ['a property that has no place in PUBLISH', '3007 0001 61 03 21 0001', 0x81],
    ['an empty topic without an alias', '3003 0000 00', 0x82],
    ['DISCONNECT with flags 1 [MQTT-3.14.1-1]', 'e100', 0x81],
    ['DISCONNECT with a code of clients [MQTT-3.14.2-1]', 'e001 04', 0x82],
    ['AUTH with flags 1 [MQTT-3.15.1-1]', 'f100', 0x81],
    ['AUTH without a method in CONNECT [MQTT-4.12.0-7]', 'f006 18 04 15 0001 61', 0x82],
    ['PUBREL with a code it cannot have [MQTT-3.6.2-1]', '6203 0001 80', 0x82],
  ];
  for (const [name, bytes, reasonCode] of faultsOf5) {
    test(name, async () => {
      const { server } = await subscribed();
      server.sendBytes(bytes);
      await server.expectEnd(reasonCode);
    });
  }
});

describe('with Request Problem Information 0 [MQTT-rule-32]', () => {
  const properties = { requestProblemInformation: 0 } as const;
  const details: Properties[] = [{ reasonString: 'why' }, { userProperties: [['a', 'b']] }];
  for (const detail of details) {
    test(`${Object.keys(detail)[0]} in an acknowledgement ends the connection`, async () => {
      const { server, client } = await connected({ properties });
      client.publish('t', 'x', { qos: 1 }).catch(() => {});
      server.answer('puback', (await server.next('publish')).packetId, 0, detail);
      await server.expectEnd(0x82);
    });
  }

  test('AUTH is no exception', async () => {
    const authentication = { method: 'TEST', respond: () => undefined };
    const { server, connecting } = dial({ properties, authentication });
    await server.next('connect');
    server.send({ type: 'auth', reasonCode: 0x18, properties: { authenticationMethod: 'TEST', reasonString: 'why' } });
    await assert.rejects(connecting, { code: 'protocol-error', reasonCode: 0x82 });
  });

  test('CONNACK, PUBLISH and DISCONNECT may have both', async () => {
    const both: Properties = { reasonString: 'why', userProperties: [['a', 'b']] };
    const { server, client, messages } = await subscribed({ properties }, { properties: both });
    server.publish({ topic: 'a', properties: { userProperties: [['a', 'b']] } });
    server.send({ type: 'disconnect', reasonCode: 0x8b, properties: both });
    assert.equal((await client.closed).error?.reasonString, 'why');
    assert.equal(messages.length, 1);
  });
});

/** The PUBLISH in hexadecimal with an empty property block behind its topic, one byte longer. */
function withProperties(publish: string): string {
  const bytes = Buffer.from(publish.replaceAll(' ', ''), 'hex');
  if (bytes[1] >= 0x80) return publish;
  const topicEnd = 4 + bytes.readUInt16BE(2);
  const isAcknowledged = (bytes[0] & 6) > 0;
  const at = isAcknowledged ? topicEnd + 2 : topicEnd;
  const whole = Buffer.concat([bytes.subarray(0, at), Buffer.of(0), bytes.subarray(at)]);
  whole[1] += 1;
  return whole.toString('hex');
}
