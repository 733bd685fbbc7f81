/** MQTT 3.1.1, chapters 1 and 2: text fields, the fixed header, packet identifiers. */

import assert from 'node:assert/strict';
import { conformance, type Scene, section } from './harness.ts';
import type { RawClient } from './raw-client.ts';
import { ack, bytes, connect, field, hex, packet, publish, subscribe, u16, unsubscribe } from './wire.ts';

const BAD_TEXT: Record<string, Buffer> = {
  'a broken sequence': hex('61 c3 28'),
  'a surrogate': hex('61 ed a0 80'),
  'an overlong form': hex('61 c0 af'),
  'a value above U+10FFFF': hex('f5 80 80 80'),
  'a cut sequence': hex('61 e2 82'),
  'U+0000': hex('61 00 62'),
};

/** Sends one packet that must end an established connection without any answer. */
async function mustClose(scene: Scene, raw: Buffer): Promise<void> {
  const client = await scene.connect(4);
  client.send(raw);
  await client.expectClose();
}

/** Sends a CONNECT that must be closed without CONNACK. */
async function mustRefuseSilently(scene: Scene, raw: Buffer): Promise<void> {
  const client = await scene.open(4);
  client.send(raw);
  await client.expectClose();
}

section('MQTT 3.1.1, 1.5 data representation', () => {
  for (const [what, bad] of Object.entries(BAD_TEXT)) {
    conformance(
      ['MQTT311-1.5.3-1', 'MQTT311-1.5.3-2', 'MQTT311-3.3.2-1', 'MQTT311-4.7.3-2'],
      `closes on a Topic Name with ${what}`,
      (scene) => mustClose(scene, publish(4, { topic: bad })),
    );
    conformance(
      ['MQTT311-1.5.3-1', 'MQTT311-1.5.3-2', 'MQTT311-3.8.3-1', 'MQTT311-4.7.3-2'],
      `closes on a Topic Filter with ${what} in SUBSCRIBE`,
      (scene) => mustClose(scene, subscribe(4, 1, [[bad, 0]])),
    );
    conformance(
      ['MQTT311-1.5.3-1', 'MQTT311-1.5.3-2', 'MQTT311-3.10.3-1', 'MQTT311-4.7.3-2'],
      `closes on a Topic Filter with ${what} in UNSUBSCRIBE`,
      (scene) => mustClose(scene, unsubscribe(4, 1, [bad])),
    );
    conformance(
      ['MQTT311-1.5.3-1', 'MQTT311-1.5.3-2', 'MQTT311-3.1.3-4', 'MQTT311-3.1.4-1'],
      `closes on a Client Identifier with ${what}`,
      (scene) => mustRefuseSilently(scene, connect({ clientId: bad })),
    );
    conformance(
      ['MQTT311-1.5.3-1', 'MQTT311-1.5.3-2', 'MQTT311-3.1.3-10', 'MQTT311-3.1.4-1'],
      `closes on a Will Topic with ${what}`,
      (scene) => mustRefuseSilently(scene, connect({ clientId: scene.name(), will: { topic: bad } })),
    );
    conformance(
      ['MQTT311-1.5.3-1', 'MQTT311-1.5.3-2', 'MQTT311-3.1.3-11', 'MQTT311-3.1.4-1'],
      `closes on a User Name with ${what}`,
      (scene) => mustRefuseSilently(scene, connect({ clientId: scene.name(), username: bad })),
    );
  }

  conformance(['MQTT311-1.5.3-3'], 'keeps U+FEFF at the start and within a topic', async (scene) => {
    const name = scene.name();
    const marked = Buffer.concat([hex('efbbbf'), Buffer.from(name), hex('efbbbf')]);
    const client = await scene.connect(4);
    await client.subscribe([marked, 0], [name, 0]);
    client.sendPublish({ topic: marked, payload: 'marked' });
    const first = await client.expect('publish', { payload: 'marked' });
    assert.deepEqual(first.topicBytes, marked);
    client.sendPublish({ topic: name, payload: 'plain' });
    await client.expect('publish', { topic: name, payload: 'plain' });
    await client.expectNothing();
  });

  conformance(['MQTT311-3.3.2-1'], 'closes on a Topic Name that runs past the packet', (scene) =>
    mustClose(scene, packet(0x30, u16(20), bytes(0x61, 0x62))),
  );
});

section('MQTT 3.1.1, 2.2 fixed header', () => {
  const filter = Buffer.concat([field('a'), bytes(0)]);
  const wrong: Record<string, Buffer> = {
    'PUBACK 0x41': packet(0x41, u16(1)),
    'PUBACK 0x48': packet(0x48, u16(1)),
    'PUBREC 0x51': packet(0x51, u16(1)),
    'PUBCOMP 0x72': packet(0x72, u16(1)),
    'PINGREQ 0xC1': bytes(0xc1, 0),
    'DISCONNECT 0xE1': bytes(0xe1, 0),
    'type 0': bytes(0x00, 0),
    'type 15': bytes(0xf0, 0),
  };
  for (const [what, raw] of Object.entries(wrong)) {
    conformance(['MQTT311-2.2.2-1', 'MQTT311-2.2.2-2', 'MQTT311-4.8.0-1'], `closes on ${what}`, (scene) =>
      mustClose(scene, raw),
    );
  }
  for (const first of [0x60, 0x61, 0x63, 0x6a]) {
    conformance(
      ['MQTT311-2.2.2-1', 'MQTT311-2.2.2-2', 'MQTT311-3.6.1-1'],
      `closes on PUBREL with first byte 0x${first.toString(16)}`,
      async (scene) => {
        const client = await scene.connect(4);
        client.sendPublish({ topic: scene.name(), qos: 2, id: 7 });
        await client.expect('pubrec', { id: 7 });
        client.send(packet(first, u16(7)));
        await client.expectClose();
      },
    );
  }
  for (const first of [0x80, 0x81, 0x83, 0x8a]) {
    conformance(
      ['MQTT311-2.2.2-1', 'MQTT311-2.2.2-2', 'MQTT311-3.8.1-1'],
      `closes on SUBSCRIBE with first byte 0x${first.toString(16)}`,
      (scene) => mustClose(scene, packet(first, u16(1), filter)),
    );
  }
  for (const first of [0xa0, 0xa1, 0xa3, 0xaa]) {
    conformance(
      ['MQTT311-2.2.2-1', 'MQTT311-2.2.2-2', 'MQTT311-3.10.1-1'],
      `closes on UNSUBSCRIBE with first byte 0x${first.toString(16)}`,
      (scene) => mustClose(scene, packet(first, u16(1), field('a'))),
    );
  }
  for (const first of [0x11, 0x18]) {
    conformance(
      ['MQTT311-2.2.2-1', 'MQTT311-2.2.2-2', 'MQTT311-3.1.4-1'],
      `closes on CONNECT with first byte 0x${first.toString(16)}`,
      (scene) => {
        const raw = connect({ clientId: scene.name() });
        raw[0] = first;
        return mustRefuseSilently(scene, raw);
      },
    );
  }
  const serverOnly: Record<string, Buffer> = {
    CONNACK: bytes(0x20, 2, 0, 0),
    SUBACK: bytes(0x90, 3, 0, 1, 0),
    UNSUBACK: bytes(0xb0, 2, 0, 1),
    PINGRESP: bytes(0xd0, 0),
  };
  for (const [what, raw] of Object.entries(serverOnly)) {
    conformance(['MQTT311-4.8.0-1'], `closes on ${what}, which only a server may send`, (scene) =>
      mustClose(scene, raw),
    );
  }
  conformance(['MQTT311-rule-1'], 'closes on a Remaining Length of five bytes', (scene) =>
    mustClose(scene, hex('30 ff ff ff ff 01')),
  );
  conformance(['MQTT311-4.8.0-1'], 'closes on PINGREQ and DISCONNECT with a body', async (scene) => {
    await mustClose(scene, bytes(0xc0, 1, 0));
    await mustClose(scene, bytes(0xe0, 1, 0));
  });
  conformance(['MQTT311-4.8.0-1'], 'closes on an acknowledgement that is too short or too long', async (scene) => {
    await mustClose(scene, bytes(0x40, 1, 0));
    await mustClose(scene, bytes(0x40, 3, 0, 1, 0));
    await mustClose(scene, bytes(0x62, 0));
  });
});

section('MQTT 3.1.1, 2.3 packet identifier', () => {
  conformance(['MQTT311-2.3.1-1'], 'closes on identifier 0 in a PUBLISH of QoS 1', (scene) =>
    mustClose(scene, publish(4, { topic: 'a', qos: 1, id: 0 })),
  );
  conformance(['MQTT311-2.3.1-1'], 'closes on identifier 0 in a PUBLISH of QoS 2', (scene) =>
    mustClose(scene, publish(4, { topic: 'a', qos: 2, id: 0 })),
  );
  conformance(['MQTT311-2.3.1-1'], 'closes on identifier 0 in SUBSCRIBE', (scene) =>
    mustClose(scene, subscribe(4, 0, [['a', 0]])),
  );
  conformance(['MQTT311-2.3.1-1'], 'closes on identifier 0 in UNSUBSCRIBE', (scene) =>
    mustClose(scene, unsubscribe(4, 0, ['a'])),
  );

  conformance(
    ['MQTT311-2.3.1-4', 'MQTT311-3.3.1-1', 'MQTT311-4.4.0-1'],
    'sends an open PUBLISH again with its identifier and DUP 1 when the session resumes',
    async (scene) => {
      const topic = scene.name();
      const clientId = scene.name();
      const first = await scene.connect(4, { clientId, clean: false });
      await first.subscribe([topic, 1]);
      const sender = await scene.connect(4);
      await sender.deliver({ topic, payload: 'open', qos: 1 });
      const sent = await first.expect('publish', { dup: false, qos: 1 });
      first.cut();
      const second = await scene.open(4);
      await second.connect({ clientId, clean: false });
      await second.receive({ topic, payload: 'open', qos: 1, dup: true, id: sent.id });
      await second.expectNothing();
    },
  );

  conformance(['MQTT311-2.3.1-4'], 'gives open deliveries different identifiers', async (scene) => {
    const topic = scene.name();
    const receiver = await scene.subscriber(4, topic, 2);
    const sender = await scene.connect(4);
    const ids = new Set<number>();
    for (let i = 0; i < 10; i++) {
      await sender.deliver({ topic, qos: 1 + (i % 2) });
      ids.add((await receiver.expect('publish', { dup: false })).id);
    }
    assert.equal(ids.size, 10);
  });

  conformance(['MQTT311-2.3.1-5'], 'sends QoS 0 without an identifier', async (scene) => {
    const topic = scene.name();
    const client = await scene.subscriber(4, topic);
    client.sendPublish({ topic, payload: 'xy' });
    const got = await client.expect('publish', { payload: 'xy' });
    assert.equal(got.raw.length, 2 + 2 + topic.length + 2);
  });

  for (const id of [1, 256, 65535]) {
    conformance(
      ['MQTT311-2.3.1-6', 'MQTT311-4.3.2-2', 'MQTT311-4.3.3-2'],
      `repeats identifier ${id} in PUBACK, PUBREC and PUBCOMP`,
      async (scene) => {
        const client: RawClient = await scene.connect(4);
        client.sendPublish({ topic: scene.name(), qos: 1, id });
        await client.expect('puback', { id });
        client.sendPublish({ topic: scene.name(), qos: 2, id });
        await client.expect('pubrec', { id });
        client.send(ack('pubrel', id));
        await client.expect('pubcomp', { id });
      },
    );
  }

  conformance(
    ['MQTT311-2.3.1-7', 'MQTT311-3.8.4-2', 'MQTT311-3.10.4-4'],
    'repeats the identifiers of pipelined SUBSCRIBE and UNSUBSCRIBE packets, one answer each',
    async (scene) => {
      const client = await scene.connect(4);
      const topic = scene.name();
      client.send(
        subscribe(4, 65535, [[topic, 0]]),
        unsubscribe(4, 3, [topic]),
        subscribe(4, 1, [[topic, 0]]),
        unsubscribe(4, 256, [topic]),
      );
      await client.find('suback', { id: 65535 });
      await client.find('unsuback', { id: 3 });
      await client.find('suback', { id: 1 });
      await client.find('unsuback', { id: 256 });
      await client.expectNothing();
    },
  );
});
