/** MQTT 5.0: packets that cannot be parsed, properties out of place, and what an error does to a connection. */

import assert from 'node:assert/strict';
import { conformance, type Scene, section } from './harness.ts';
import { each, refuses, rejects } from './v5-rejection.ts';
import * as wire from './wire.ts';

/** What a client may send of each property, as whole properties: identifier and value. */
const PROPERTY_BYTES: Record<number, Buffer> = {
  1: wire.hex('01 01'),
  2: wire.hex('02 00 00 00 3C'),
  3: wire.hex('03 00 01 61'),
  8: wire.hex('08 00 01 61'),
  9: wire.hex('09 00 01 61'),
  11: wire.hex('0B 01'),
  17: wire.hex('11 00 00 00 3C'),
  18: wire.hex('12 00 01 61'),
  19: wire.hex('13 00 3C'),
  21: wire.hex('15 00 04 54 45 53 54'),
  22: wire.hex('16 00 01 61'),
  23: wire.hex('17 01'),
  24: wire.hex('18 00 00 00 01'),
  25: wire.hex('19 00'),
  26: wire.hex('1A 00 01 61'),
  28: wire.hex('1C 00 01 61'),
  31: wire.hex('1F 00 01 61'),
  33: wire.hex('21 00 0A'),
  34: wire.hex('22 00 0A'),
  35: wire.hex('23 00 01'),
  36: wire.hex('24 01'),
  37: wire.hex('25 01'),
  38: wire.hex('26 00 01 61 00 01 62'),
  39: wire.hex('27 00 01 00 00'),
  40: wire.hex('28 01'),
  41: wire.hex('29 01'),
  42: wire.hex('2A 01'),
};
const UNKNOWN = [wire.hex('00 00'), wire.hex('04 00'), wire.hex('2B 00'), wire.hex('7F 00'), wire.hex('80 01 00')];

type Rejection = (scene: Scene, properties: Uint8Array, codes: number[]) => Promise<unknown>;

/** Each packet of the client: the properties it may have, those with a rule of their own, and how to send it. */
const PACKETS: [name: string, allowed: number[], special: number[], attempt: Rejection][] = [
  [
    'CONNECT',
    [0x11, 0x15, 0x16, 0x17, 0x19, 0x21, 0x22, 0x26, 0x27],
    [],
    (scene, properties, codes) => refuses(scene, { properties }, codes),
  ],
  [
    'Will Properties',
    [0x01, 0x02, 0x03, 0x08, 0x09, 0x18, 0x26],
    [],
    (scene, properties, codes) => refuses(scene, { will: { topic: scene.name(), properties } }, codes),
  ],
  [
    'PUBLISH',
    [0x01, 0x02, 0x03, 0x08, 0x09, 0x23, 0x26],
    [0x0b],
    (scene, properties, codes) => rejects(scene, wire.publish(5, { topic: scene.name(), properties }), codes),
  ],
  ...(['puback', 'pubrec', 'pubrel', 'pubcomp'] as const).map((name): [string, number[], number[], Rejection] => [
    name,
    [0x1f, 0x26],
    [],
    (scene, properties, codes) => rejects(scene, wire.ack(name, 1, 0, properties), codes),
  ]),
  [
    'SUBSCRIBE',
    [0x0b, 0x26],
    [],
    (scene, properties, codes) => rejects(scene, wire.subscribe(5, 1, [[scene.name(), 0]], properties), codes),
  ],
  [
    'UNSUBSCRIBE',
    [0x26],
    [],
    (scene, properties, codes) => rejects(scene, wire.unsubscribe(5, 1, [scene.name()], properties), codes),
  ],
  [
    'DISCONNECT',
    [0x11, 0x1f, 0x26],
    [0x1c],
    (scene, properties, codes) =>
      rejects(scene, wire.disconnect(0, properties), codes, { properties: { sessionExpiryInterval: 1 } }),
  ],
];

section('MQTT 5.0: properties out of place', () => {
  conformance(['MQTT-rule-1'], 'refuses properties that do not belong to the packet', async (scene) => {
    const cases = PACKETS.flatMap(([, allowed, special, attempt]) => {
      const foreign = Object.entries(PROPERTY_BYTES)
        .filter(([id]) => !allowed.includes(Number(id)) && !special.includes(Number(id)))
        .map(([, bytes]) => bytes);
      return [...foreign, ...UNKNOWN].map((bytes) => () => attempt(scene, bytes, [0x81]));
    });
    await each(cases, (attempt) => attempt());
  });

  conformance(['MQTT-rule-1'], 'refuses properties whose value is cut short', async (scene) => {
    const cases = PACKETS.flatMap(([, allowed, , attempt]) =>
      allowed.flatMap((id) =>
        Array.from({ length: PROPERTY_BYTES[id].length - 1 }, (_, i) => PROPERTY_BYTES[id].subarray(0, i + 1)).map(
          (bytes) => () => attempt(scene, bytes, [0x81]),
        ),
      ),
    );
    await each(cases, (attempt) => attempt());
  });

  conformance(['MQTT-rule-2'], 'refuses a property that is there twice', async (scene) => {
    const cases = PACKETS.flatMap(([, allowed, , attempt]) =>
      allowed
        .filter((id) => id !== 0x26)
        .map((id) => () => attempt(scene, Buffer.concat([PROPERTY_BYTES[id], PROPERTY_BYTES[id]]), [0x82])),
    );
    await each(cases, (attempt) => attempt());
  });

  conformance(['MQTT-rule-2'], 'takes User Property more than once in every packet', async (scene) => {
    const twice = Buffer.concat([PROPERTY_BYTES[38], PROPERTY_BYTES[38]]);
    const topic = scene.name();
    const client = await scene.connect(5, { properties: twice, will: { topic, properties: twice } });
    client.send(wire.subscribe(5, 1, [[topic, 2]], twice));
    await client.expect('suback', { codes: [2] });
    client.send(wire.publish(5, { topic, qos: 2, id: 2, properties: twice }));
    await client.find('pubrec', { id: 2 });
    client.send(wire.ack('pubrel', 2, 0, twice));
    const got = await client.find('publish', { topic });
    await client.find('pubcomp', { id: 2 });
    client.send(wire.ack('pubrec', got.id, 0, twice));
    await client.expect('pubrel', { id: got.id });
    client.send(wire.ack('pubcomp', got.id, 0, twice), wire.unsubscribe(5, 3, [topic], twice));
    await client.expect('unsuback', { codes: [0] });
    client.send(wire.disconnect(0, twice));
    await client.expectClose();
  });

  conformance(
    ['MQTT-rule-1', 'MQTT-rule-2', 'MQTT-rule-30'],
    'refuses wrong properties in AUTH',
    { settings: { policies: true } },
    async (scene) => {
      const connect = { authenticationMethod: 'TEST', authenticationData: Buffer.from('hello') };
      const attempt = async (properties: Uint8Array, codes: number[]): Promise<void> => {
        const client = await scene.open(5);
        client.sendConnect({ clientId: scene.name(), properties: connect });
        await client.expect('auth', { code: 0x18 });
        client.send(wire.auth(0x18, properties));
        await client.expectClose(codes);
      };
      const method = PROPERTY_BYTES[21];
      const foreign = Object.entries(PROPERTY_BYTES).filter(([id]) => ![0x15, 0x16, 0x1f, 0x26].includes(Number(id)));
      await each([...foreign.map(([, bytes]) => bytes), ...UNKNOWN], (bytes) =>
        attempt(Buffer.concat([method, bytes]), [0x81]),
      );
      await each([0x15, 0x16, 0x1f], (id) => {
        const once = id === 0x15 ? wire.bytes() : method;
        return attempt(Buffer.concat([once, PROPERTY_BYTES[id], PROPERTY_BYTES[id]]), [0x82]);
      });
      await attempt(wire.bytes(), [0x82]);
    },
  );

  conformance(['MQTT-rule-29'], 'refuses DISCONNECT with a Server Reference', async (scene) => {
    await rejects(scene, wire.disconnect(0, PROPERTY_BYTES[28]), [0x81, 0x82]);
    await rejects(scene, wire.disconnect(0, PROPERTY_BYTES[33]), [0x81, 0x82]);
  });
});

section('MQTT 5.0: packets of the wrong shape', () => {
  conformance(['MQTT-3.1.4-1', 'MQTT-4.13.1-1'], 'refuses CONNECT cut off at every byte', async (scene) => {
    const whole = wire.connect({
      version: 5,
      clientId: 'cut',
      keepAlive: 10,
      username: 'user',
      password: 'secret',
      will: { topic: 'will', payload: 'gone', properties: { willDelayInterval: 1, userProperties: [['a', 'b']] } },
      properties: { sessionExpiryInterval: 1, receiveMaximum: 5, userProperties: [['c', 'd']] },
    });
    const body = whole.subarray(2);
    assert.ok(body.length < 128);
    const lengths = Array.from({ length: body.length }, (_, length) => length);
    // A name that is cut off may also be taken for another protocol.
    await each(lengths, (length) =>
      refuses(scene, wire.packet(0x10, body.subarray(0, length)), length < 7 ? [0x81, 0x82, 0x84] : [0x81, 0x82]),
    );
  });

  conformance(
    ['MQTT-3.1.4-1', 'MQTT-rule-3'],
    'refuses CONNECT with bytes left over or lengths that run past',
    async (scene) => {
      const body = wire.connect({ version: 5, clientId: 'left' }).subarray(2);
      await refuses(scene, wire.packet(0x10, body, wire.bytes(0)), [0x81]);
      await refuses(scene, wire.packet(0x10, body, wire.field('extra')), [0x81]);
      const head = Buffer.concat([wire.field('MQTT'), wire.bytes(5, 2), wire.u16(0)]);
      await refuses(scene, wire.packet(0x10, head, wire.bytes(0), wire.u16(65535), Buffer.from('x')), [0x81]);
      await refuses(scene, wire.packet(0x10, head, wire.varint(1000), wire.field('x')), [0x81]);
      await refuses(scene, wire.packet(0x10, head, wire.bytes(3), wire.hex('11 00 00'), wire.field('x')), [0x81]);
    },
  );

  conformance(['MQTT-3.1.4-1'], 'closes when the client ends within CONNECT', async (scene) => {
    const whole = wire.connect({ version: 5, clientId: scene.name() });
    for (const length of [1, 2, 9, whole.length - 1]) {
      const client = await scene.open(5);
      client.send(whole.subarray(0, length));
      client.socket.end();
      await client.expectClose([0x81, 0x82]);
    }
  });

  conformance(['MQTT-rule-3', 'MQTT-4.13.1-1'], 'refuses packets cut off at every byte', async (scene) => {
    const properties = { userProperties: [['a', 'b']] as [string, string][] };
    const cut = (packet: Buffer, from: number): Buffer[] => {
      const body = packet.subarray(2);
      return Array.from({ length: from }, (_, length) => wire.packet(packet[0], body.subarray(0, length)));
    };
    const publish = wire.publish(5, { topic: 'topic', qos: 1, id: 1, properties });
    const subscribe = wire.subscribe(5, 1, [['filter', 0]], properties);
    const unsubscribe = wire.unsubscribe(5, 1, ['filter'], properties);
    const ends = [
      ...cut(publish, publish.length - 2),
      ...cut(subscribe, subscribe.length - 2).filter((packet) => packet.length !== 2 + 2 + 8),
      ...cut(unsubscribe, unsubscribe.length - 2).filter((packet) => packet.length !== 2 + 2 + 8),
      ...cut(wire.ack('puback', 1), 2),
      ...cut(wire.ack('pubrec', 1), 2),
      ...cut(wire.ack('pubrel', 1), 2),
      ...cut(wire.ack('pubcomp', 1), 2),
    ];
    await each(ends, (packet) => rejects(scene, packet, [0x81]));
  });

  conformance(['MQTT-rule-3'], 'refuses packets with bytes left over', async (scene) => {
    const extra = wire.bytes(0);
    const packets = [
      wire.packet(0xc0, extra),
      wire.packet(0xe0, wire.bytes(0, 0), extra),
      wire.packet(0x40, wire.u16(1), wire.bytes(0, 0), extra),
      wire.packet(0x50, wire.u16(1), wire.bytes(0, 0), extra),
      wire.packet(0x62, wire.u16(1), wire.bytes(0, 0), extra),
      wire.packet(0x70, wire.u16(1), wire.bytes(0, 0), extra),
      wire.packet(0x82, wire.u16(1), wire.bytes(0), wire.field('a'), wire.bytes(0), extra),
      wire.packet(0xa2, wire.u16(1), wire.bytes(0), wire.field('a'), extra),
    ];
    await each(packets, (packet) => rejects(scene, packet, [0x81]));
  });

  conformance(['MQTT-rule-3'], 'refuses lengths that run past the end of the packet', async (scene) => {
    const packets = [
      wire.packet(0x30, wire.u16(100), Buffer.from('a')),
      wire.packet(0x30, wire.field('a'), wire.bytes(100)),
      wire.packet(0x30, wire.field('a'), wire.bytes(4), wire.hex('03 00 0A 61')),
      wire.packet(0x82, wire.u16(1), wire.bytes(0), wire.u16(100), Buffer.from('a'), wire.bytes(0)),
      wire.packet(0x82, wire.u16(1), wire.bytes(50), wire.field('a'), wire.bytes(0)),
      wire.packet(0xa2, wire.u16(1), wire.bytes(0), wire.u16(100), Buffer.from('a')),
      wire.packet(0x40, wire.u16(1), wire.bytes(0, 10)),
      wire.packet(0xe0, wire.bytes(0, 10)),
    ];
    await each(packets, (packet) => rejects(scene, packet, [0x81]));
  });

  conformance(['MQTT-rule-4'], 'refuses packets which only a server may send', async (scene) => {
    const packets = [
      wire.packet(0x20, wire.bytes(0, 0, 0)),
      wire.packet(0x90, wire.u16(1), wire.bytes(0, 0)),
      wire.packet(0xb0, wire.u16(1), wire.bytes(0, 0)),
      wire.packet(0xd0),
    ];
    await each(packets, (packet) => rejects(scene, packet, [0x82]));
  });
});

section('MQTT 5.0, 4.13 Handling errors', () => {
  conformance(['MQTT-4.13.1-1', 'MQTT-4.13.2-1'], 'closes only the connection at fault', async (scene) => {
    const topic = scene.name();
    const watcher = await scene.subscriber(5, topic, 1);
    const wrong = [
      wire.packet(0x00),
      wire.packet(0x36, wire.field(topic), wire.u16(1), wire.bytes(0)),
      wire.publish(5, { topic: '' }),
      wire.subscribe(5, 1, []),
      wire.connect({ version: 5, clientId: scene.name() }),
    ];
    await each(wrong, (packet) => rejects(scene, packet, [0x81, 0x82]));
    await refuses(scene, { flags: 0x03 }, [0x81]);
    await watcher.deliver({ topic, qos: 1 });
    await watcher.find('publish', { topic });
  });

  conformance(['MQTT-4.13.2-1'], 'handles nothing that follows a packet at fault', async (scene) => {
    const topic = scene.name();
    const watcher = await scene.subscriber(5, topic, 0);
    const client = await scene.connect(5);
    client.send(wire.publish(5, { topic: '' }), wire.publish(5, { topic, payload: 'late', retain: true }));
    await client.expectClose([0x82]);
    await watcher.expectNothing();
    const reader = await scene.subscriber(5, topic, 0);
    await reader.expectNothing();
  });

  conformance(['MQTT-4.13.2-1'], 'closes on a DISCONNECT of the client with a code of 0x80 or more', async (scene) => {
    for (const code of [0x80, 0x81, 0x82, 0x95]) {
      const client = await scene.connect(5);
      client.send(wire.disconnect(code));
      await client.expectClose();
    }
  });

  conformance(['MQTT-4.13.1-1'], 'says with DISCONNECT why it closes (choice)', async (scene) => {
    assert.equal(await rejects(scene, wire.packet(0x30, wire.u16(9)), [0x81]), 0x81);
    assert.equal(await rejects(scene, wire.subscribe(5, 1, []), [0x82]), 0x82);
    assert.equal(await rejects(scene, wire.packet(0xd0), [0x82]), 0x82);
    assert.equal(await refuses(scene, { flags: 0x03 }, [0x81]), 0x81);
  });

  conformance(['MQTT-3.14.0-1'], 'sends no DISCONNECT before CONNACK 0x00', async (scene) => {
    const firsts = [
      wire.pingreq(),
      wire.publish(5, { topic: 'a' }),
      wire.disconnect(),
      wire.packet(0x00),
      wire.packet(0x10, wire.field('MQTT'), wire.bytes(5)),
      wire.connect({ version: 5, clientId: wire.hex('C3 28') }),
      wire.connect({ version: 5, clientId: 'x', properties: wire.hex('21 00 00') }),
      wire.connect({ version: 5, clientId: 'x', flags: 0x03 }),
    ];
    await each(firsts, async (packet) => {
      const client = await scene.open(5);
      client.send(packet);
      await client.expectClose([0x81, 0x82, 0x84, 0x85]);
      assert.ok(client.received.every((one) => one.type === 'connack'));
    });
  });
});
