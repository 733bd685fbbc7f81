/** MQTT 5.0, sections 1.5, 2.1, 2.2, 3.12 and 4.2: data representation, headers, PINGREQ and the transport. */

import assert from 'node:assert/strict';
import { conformance, type Scene, section } from './harness.ts';
import { each, refuses, rejects } from './v5-rejection.ts';
import * as wire from './wire.ts';

/** Where a client may put text, each as a function from the text to what the server must not take. */
type Place = [name: string, attempt: (scene: Scene, text: Uint8Array, codes: number[]) => Promise<unknown>];

const pair = (name: wire.Text, value: wire.Text): Buffer =>
  Buffer.concat([wire.bytes(0x26), wire.field(name), wire.field(value)]);
const textProperty = (id: number, value: wire.Text): Buffer => Buffer.concat([wire.bytes(id), wire.field(value)]);
const publish = (scene: Scene, properties: Uint8Array): Buffer =>
  wire.publish(5, { topic: scene.name(), properties, payload: 'x' });

const PLACES: Place[] = [
  ['Topic Name', (scene, text, codes) => rejects(scene, wire.publish(5, { topic: text }), codes)],
  ['Topic Filter', (scene, text, codes) => rejects(scene, wire.subscribe(5, 1, [[text, 0]]), codes)],
  ['Topic Filter of UNSUBSCRIBE', (scene, text, codes) => rejects(scene, wire.unsubscribe(5, 1, [text]), codes)],
  ['Client Identifier', (scene, text, codes) => refuses(scene, { clientId: text }, [...codes, 0x85])],
  ['Will Topic', (scene, text, codes) => refuses(scene, { will: { topic: text } }, codes)],
  ['User Name', (scene, text, codes) => refuses(scene, { username: text }, codes)],
  ['Response Topic', (scene, text, codes) => rejects(scene, publish(scene, textProperty(0x08, text)), codes)],
  ['Content Type', (scene, text, codes) => rejects(scene, publish(scene, textProperty(0x03, text)), codes)],
  ['Authentication Method', (scene, text, codes) => refuses(scene, { properties: textProperty(0x15, text) }, codes)],
  ['Reason String', (scene, text, codes) => rejects(scene, wire.ack('puback', 1, 0, textProperty(0x1f, text)), codes)],
];

const PAIR_PLACES: Place[] = [
  ['CONNECT', (scene, list, codes) => refuses(scene, { properties: list }, codes)],
  ['the Will Properties', (scene, list, codes) => refuses(scene, { will: { topic: 'w', properties: list } }, codes)],
  ['PUBLISH', (scene, list, codes) => rejects(scene, publish(scene, list), codes)],
  ['PUBACK', (scene, list, codes) => rejects(scene, wire.ack('puback', 1, 0, list), codes)],
  ['SUBSCRIBE', (scene, list, codes) => rejects(scene, wire.subscribe(5, 1, [['a', 0]], list), codes)],
  ['UNSUBSCRIBE', (scene, list, codes) => rejects(scene, wire.unsubscribe(5, 1, ['a'], list), codes)],
  ['DISCONNECT', (scene, list, codes) => rejects(scene, wire.disconnect(0, list), codes)],
];

/** A surrogate, an overlong form, a code point above U+10FFFF, a cut-off sequence, a wrong continuation byte. */
const BAD_UTF8 = ['61 ED A0 80', '61 ED BF BF', '61 C0 AF', '61 F5 80 80 80', '61 E2 82', '61 C3 28', '80 61'].map(
  wire.hex,
);
const WITH_NUL = ['00', '61 00 62', '61 00'].map(wire.hex);

section('MQTT 5.0, 1.5 Data representation', () => {
  conformance(['MQTT-1.5.4-1'], 'refuses text that is not valid UTF-8 in every field', async (scene) => {
    const cases = PLACES.flatMap(([, attempt]) => BAD_UTF8.map((text) => () => attempt(scene, text, [0x81])));
    await each(cases, (attempt) => attempt());
  });

  conformance(['MQTT-1.5.4-2', 'MQTT-4.7.3-2'], 'refuses U+0000 in every text field', async (scene) => {
    const cases = PLACES.flatMap(([, attempt]) => WITH_NUL.map((text) => () => attempt(scene, text, [0x81])));
    await each(cases, (attempt) => attempt());
  });

  conformance(['MQTT-1.5.4-2'], 'takes U+0000 in the Password and in payloads, which are no text', async (scene) => {
    const topic = scene.name();
    const client = await scene.open(5);
    client.sendConnect({ clientId: scene.name(), username: 'u', password: wire.hex('00 C3 28') });
    await client.expect('connack', { code: 0 });
    await client.subscribe(topic);
    await client.deliver({ topic, payload: wire.hex('00 C3 28 00') });
    await client.expect('publish', { topic, payload: wire.hex('00 C3 28 00') });
  });

  conformance(['MQTT-1.5.7-1'], 'refuses bad text in the name and in the value of a User Property', async (scene) => {
    const lists = [...BAD_UTF8, ...WITH_NUL].flatMap((text) => [pair(text, 'value'), pair('name', text)]);
    const cases = PAIR_PLACES.flatMap(([, attempt]) => lists.map((list) => () => attempt(scene, list, [0x81])));
    await each(cases, (attempt) => attempt());
  });

  conformance(['MQTT-1.5.4-3'], 'keeps U+FEFF at the start of text and within it', async (scene) => {
    const plain = scene.name();
    const marked = Buffer.concat([wire.hex('EF BB BF'), Buffer.from(plain), wire.hex('EF BB BF')]);
    const client = await scene.connect(5);
    await client.subscribe([marked, 0]);
    client.sendPublish({ topic: plain, payload: 'plain' });
    client.sendPublish({ topic: marked, payload: 'marked', properties: { contentType: '\uFEFFtype' } });
    const got = await client.expect('publish', { payload: 'marked' });
    assert.deepEqual(got.topicBytes, marked);
    assert.equal(got.properties.contentType, '\uFEFFtype');
    await client.expectNothing();
  });

  conformance(['MQTT-1.5.4-1'], 'takes text of one to four bytes a character unchanged', async (scene) => {
    const topic = `${scene.name()}/é/漢/𝄞/\u{10FFFD}`;
    const client = await scene.connect(5);
    await client.subscribe(topic);
    client.sendPublish({ topic });
    await client.expect('publish', { topic });
  });

  conformance(['MQTT-1.5.5-1'], 'refuses a variable byte integer of five bytes', async (scene) => {
    await rejects(scene, wire.hex('C0 80 80 80 80 00'), [0x81]);
    await rejects(scene, wire.hex('30 FF FF FF FF 7F'), [0x81]);
    await refuses(scene, wire.hex('10 80 80 80 80 01'), [0x81]);
    await rejects(scene, wire.packet(0x30, wire.field('a'), wire.hex('80 80 80 80 00')), [0x81]);
  });

  conformance(['MQTT-1.5.5-1'], 'refuses a variable byte integer longer than necessary', async (scene) => {
    await rejects(scene, wire.hex('C0 80 00'), [0x81]);
    await rejects(scene, wire.packet(0x30, wire.field('a'), wire.hex('80 00')), [0x81]);
    await rejects(
      scene,
      wire.packet(0x82, wire.u16(1), wire.hex('03 0B 81 00'), wire.field('a'), wire.bytes(0)),
      [0x81],
    );
  });

  conformance(['MQTT-1.5.5-1'], 'writes lengths in the fewest bytes at every edge', async (scene) => {
    const topic = scene.name();
    const client = await scene.open(5);
    const connack = await client.connect({ clientId: scene.name() });
    const largest = connack.properties.maximumPacketSize ?? Number.POSITIVE_INFINITY;
    await client.subscribe(topic);
    for (const remaining of [127, 128, 16383, 16384, 2097151, 2097152]) {
      if (remaining + 5 > largest) continue;
      const payload = Buffer.alloc(remaining - topic.length - 3, 0x61);
      client.sendPublish({ topic, payload });
      const got = await client.expect('publish', { topic });
      assert.equal(got.payload.length, payload.length);
      assert.equal(got.raw.length, 1 + wire.varint(remaining).length + remaining);
    }
    for (const length of [127, 128, 16383, 16384]) {
      const value = 'v'.repeat(length - 6);
      client.sendPublish({ topic, properties: { userProperties: [['k', value]] } });
      const got = await client.expect('publish', { topic });
      assert.deepEqual(got.properties.userProperties, [['k', value]]);
    }
  });

  conformance(['MQTT-rule-5'], 'refuses control characters and non-characters, or carries them', async (scene) => {
    for (const code of [0x01, 0x1f, 0x7f, 0x9f, 0xfdd0, 0xfffe, 0xffff, 0x1fffe]) {
      const topic = `${scene.name()}${String.fromCodePoint(code)}`;
      const client = await scene.connect(5);
      client.sendPublish({ topic, retain: true });
      client.send(wire.pingreq());
      const accepted = await client.find('pingresp').then(
        () => true,
        () => false,
      );
      if (!accepted) await client.expectClose([0x81]);
      if (!accepted) continue;
      const reader = await scene.connect(5);
      await reader.subscribe(topic);
      await reader.expect('publish', { topic });
    }
  });

  conformance(['MQTT-rule-5'], 'refuses control characters and non-characters by default (choice)', async (scene) => {
    const texts = [0x01, 0x1f, 0x7f, 0x9f, 0xfdd0, 0xfffe, 0xffff].map((code) => `a${String.fromCodePoint(code)}`);
    await each(texts, async (text) => {
      assert.equal(await rejects(scene, wire.publish(5, { topic: text }), [0x81]), 0x81);
      assert.equal(await rejects(scene, wire.subscribe(5, 1, [[text, 0]]), [0x81]), 0x81);
    });
  });
});

section('MQTT 5.0, 2.1 Fixed header', () => {
  conformance(['MQTT-2.1.3-1'], 'refuses wrong reserved flags in every packet', async (scene) => {
    const id = wire.u16(1);
    const filter = Buffer.concat([wire.field('a'), wire.bytes(0)]);
    const bodies: [first: number, right: number, body: Uint8Array][] = [
      [0x40, 0, id],
      [0x50, 0, id],
      [0x60, 2, id],
      [0x70, 0, id],
      [0x80, 2, Buffer.concat([id, wire.bytes(0), filter])],
      [0xa0, 2, Buffer.concat([id, wire.bytes(0), wire.field('a')])],
      [0xc0, 0, wire.bytes()],
      [0xe0, 0, wire.bytes()],
      [0xf0, 0, wire.bytes(0x18, 0x00)],
    ];
    const wrong = bodies.flatMap(([first, right, body]) =>
      [0, 1, 2, 4, 8, 15].filter((flags) => flags !== right).map((flags) => wire.packet(first | flags, body)),
    );
    await each(wrong, (packet) => rejects(scene, packet, [0x81]));
  });

  conformance(['MQTT-2.1.3-1'], 'refuses wrong reserved flags of CONNECT', async (scene) => {
    const good = wire.connect({ version: 5, clientId: scene.name() });
    await each([1, 2, 4, 8, 15], (flags) =>
      refuses(scene, Buffer.concat([wire.bytes(0x10 | flags), good.subarray(1)]), [0x81]),
    );
  });

  conformance(['MQTT-2.1.3-1'], 'refuses packet type 0', async (scene) => {
    await rejects(scene, wire.bytes(0x00, 0x00), [0x81]);
    await rejects(scene, wire.bytes(0x0f, 0x00), [0x81]);
  });
});

section('MQTT 5.0, 2.2 Variable header', () => {
  conformance(
    ['MQTT-2.2.1-2', 'MQTT-2.2.2-1'],
    'writes QoS 0 without identifier and with a zero property length',
    async (scene) => {
      const topic = scene.name();
      const client = await scene.subscriber(5, topic, 2);
      client.sendPublish({ topic, payload: 'p' });
      const got = await client.expect('publish');
      assert.deepEqual(got.raw, wire.packet(0x30, wire.field(topic), wire.bytes(0), Buffer.from('p')));
    },
  );

  conformance(['MQTT-2.2.1-3'], 'refuses Packet Identifier 0', async (scene) => {
    const packets = [
      wire.publish(5, { topic: 'a', qos: 1, id: 0 }),
      wire.publish(5, { topic: 'a', qos: 2, id: 0 }),
      wire.subscribe(5, 0, [['a', 0]]),
      wire.unsubscribe(5, 0, ['a']),
    ];
    await each(packets, (packet) => rejects(scene, packet, [0x81, 0x82]));
  });

  conformance(
    ['MQTT-2.2.1-3'],
    'answers a request whose identifier is in use with 0x91, or serves it',
    async (scene) => {
      const topic = scene.name();
      const client = await scene.connect(5);
      client.sendPublish({ topic, qos: 2, id: 5 });
      await client.expect('pubrec', { id: 5 });
      client.send(wire.subscribe(5, 5, [[topic, 1]]));
      const { codes } = await client.expect('suback', { id: 5 });
      assert.ok(codes[0] === 0x91 || codes[0] === 1, `SUBACK code ${codes[0]}`);
      client.send(wire.ack('pubrel', 5));
      await client.find('pubcomp', { id: 5, code: 0 });
    },
  );

  conformance(['MQTT-2.2.1-4'], 'gives a hundred open deliveries a hundred identifiers', async (scene) => {
    const topic = scene.name();
    const client = await scene.connect(5, { properties: { receiveMaximum: 100 } });
    await client.subscribe([topic, 2]);
    const publisher = await scene.connect(5);
    for (let i = 0; i < 100; i++) await publisher.deliver({ topic, qos: 1 + (i % 2), payload: `${i}` });
    const ids = new Set<number>();
    // A server may hold itself to a lower window than the client allows, as long as identifiers differ.
    for (let got = 0; got < 100; got++) {
      const publish = await client.find('publish', {}, 1000).catch(() => undefined);
      if (publish === undefined) break;
      assert.notEqual(publish.id, 0);
      assert.ok(!ids.has(publish.id), `identifier ${publish.id} twice`);
      ids.add(publish.id);
    }
    assert.ok(ids.size >= 20, `only ${ids.size} deliveries were open`);
  });

  conformance(
    ['MQTT-2.2.1-4', 'MQTT-4.3.2-1'],
    'passes 65,535 messages over a connection without identifier 0',
    async (scene) => {
      const topic = scene.name();
      const client = await scene.connect(5, { properties: { receiveMaximum: 500 } });
      await client.subscribe([topic, 1]);
      const publisher = await scene.connect(5);
      await publisher.deliver({ topic, qos: 1 });
      const held = await client.expect('publish', { qos: 1 });
      const batch = 20;
      for (let sent = 0; sent < 65_600; sent += batch) {
        publisher.send(...Array.from({ length: batch }, (_, i) => wire.publish(5, { topic, qos: 1, id: i + 1 })));
        const acks: Buffer[] = [];
        for (let i = 0; i < batch; i++) {
          const { id } = await client.expect('publish', { qos: 1, dup: false });
          assert.notEqual(id, held.id, 'the open identifier was used again');
          acks.push(wire.ack('puback', id));
        }
        client.send(...acks);
        for (let i = 0; i < batch; i++) await publisher.expect('puback');
      }
    },
  );

  conformance(
    ['MQTT-2.2.1-5', 'MQTT-4.3.2-4', 'MQTT-4.3.3-8', 'MQTT-4.3.3-11'],
    'answers with the identifier it was given',
    async (scene) => {
      const topic = scene.name();
      const client = await scene.connect(5);
      for (const id of [1, 0x0100, 65535]) {
        client.sendPublish({ topic, qos: 1, id });
        await client.expect('puback', { id });
        client.sendPublish({ topic, qos: 2, id });
        await client.expect('pubrec', { id });
        client.send(wire.ack('pubrel', id));
        await client.expect('pubcomp', { id, code: 0 });
      }
    },
  );

  conformance(['MQTT-2.2.1-5'], 'repeats its own identifier in PUBREL', async (scene) => {
    const topic = scene.name();
    const client = await scene.subscriber(5, topic, 2);
    for (let i = 0; i < 3; i++) {
      await client.deliver({ topic, qos: 2 });
      const got = await client.find('publish', { qos: 2 });
      client.send(wire.ack('pubrec', got.id));
      await client.expect('pubrel', { id: got.id, code: 0 });
      client.send(wire.ack('pubcomp', got.id));
    }
    await client.expectNothing();
  });

  conformance(
    ['MQTT-2.2.1-6', 'MQTT-3.8.4-2', 'MQTT-3.10.4-5'],
    'answers pipelined requests with their identifiers',
    async (scene) => {
      const topic = scene.name();
      const client = await scene.connect(5);
      const ids = [65535, 3, 0x0100, 1, 2];
      client.send(...ids.map((id) => wire.subscribe(5, id, [[`${topic}/${id}`, 0]])));
      for (const id of ids) await client.find('suback', { id, codes: [0] });
      client.send(...ids.map((id) => wire.unsubscribe(5, id, [`${topic}/${id}`])));
      for (const id of ids) await client.find('unsuback', { id, codes: [0] });
      await client.expectNothing();
    },
  );

  conformance(['MQTT-2.2.2-1'], 'refuses packets that leave out the property length', async (scene) => {
    await refuses(
      scene,
      wire.packet(0x10, wire.field('MQTT'), wire.bytes(5, 2), wire.u16(0), wire.field('abc')),
      [0x81],
    );
    await rejects(scene, wire.packet(0x30, wire.field('a')), [0x81]);
    await rejects(scene, wire.packet(0x82, wire.u16(1), wire.field('abc'), wire.bytes(0)), [0x81]);
    await rejects(scene, wire.packet(0xa2, wire.u16(1), wire.field('abc')), [0x81]);
  });

  conformance(['MQTT-2.2.2-1'], 'takes acknowledgements with and without code and property length', async (scene) => {
    const topic = scene.name();
    const client = await scene.subscriber(5, topic, 1);
    for (const form of [wire.bytes(), wire.bytes(0), wire.bytes(0, 0)]) {
      await client.deliver({ topic, qos: 1 });
      const got = await client.find('publish', { qos: 1 });
      client.send(wire.packet(0x40, wire.u16(got.id), form));
      await client.expectNothing();
    }
  });
});

section('MQTT 5.0, 3.12 PINGREQ and 4.2 Network connections', () => {
  conformance(['MQTT-3.12.4-1'], 'answers every PINGREQ, many at once and among other packets', async (scene) => {
    const topic = scene.name();
    const client = await scene.connect(5);
    client.send(...Array.from({ length: 200 }, wire.pingreq));
    for (let i = 0; i < 200; i++) await client.expect('pingresp');
    for (let i = 1; i <= 10; i++) client.send(wire.publish(5, { topic, qos: 1, id: i }), wire.pingreq());
    for (let i = 0; i < 10; i++) await client.find('pingresp');
    for (let i = 1; i <= 10; i++) await client.find('puback', { id: i });
  });

  conformance(['MQTT-4.2-1'], 'reads packets that come byte by byte', async (scene) => {
    const topic = scene.name();
    const client = await scene.open(5);
    const stream = Buffer.concat([
      wire.connect({ version: 5, clientId: scene.name() }),
      wire.subscribe(5, 1, [[topic, 0]]),
      wire.publish(5, { topic, payload: 'slow', properties: { contentType: 'text' } }),
    ]);
    for (const byte of stream) {
      client.send(wire.bytes(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await client.expect('connack', { code: 0 });
    await client.expect('suback', { id: 1 });
    await client.expect('publish', { topic, payload: 'slow' });
  });

  conformance(['MQTT-4.2-1'], 'reads many packets from one segment, in order', async (scene) => {
    const topic = scene.name();
    const client = await scene.open(5);
    const publishes = Array.from({ length: 50 }, (_, i) => wire.publish(5, { topic, payload: `${i}` }));
    client.send(
      wire.connect({ version: 5, clientId: scene.name() }),
      wire.subscribe(5, 1, [[topic, 0]]),
      ...publishes,
      wire.pingreq(),
    );
    await client.expect('connack', { code: 0 });
    await client.expect('suback', { id: 1 });
    for (let i = 0; i < 50; i++) await client.find('publish', { payload: `${i}` });
    await client.find('pingresp');
    await client.expectNothing();
  });
});
