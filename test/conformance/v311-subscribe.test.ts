/** MQTT 3.1.1, sections 3.8 to 3.12 and 4.7: SUBSCRIBE, UNSUBSCRIBE, PINGREQ, topic names and filters. */

import assert from 'node:assert/strict';
import { conformance, type Scene, section } from './harness.ts';
import { seenCodes } from './parser.ts';
import { bytes, field, packet, subscribe, u16, unsubscribe } from './wire.ts';

async function mustClose(scene: Scene, raw: Buffer): Promise<void> {
  const client = await scene.connect(4);
  client.send(raw);
  await client.expectClose();
}

section('MQTT 3.1.1, 3.8 SUBSCRIBE and 3.9 SUBACK', () => {
  conformance(['MQTT311-3.8.3-3', 'MQTT311-4.8.0-1'], 'closes on SUBSCRIBE without a filter', (scene) =>
    mustClose(scene, packet(0x82, u16(1))),
  );
  conformance(['MQTT311-3.8.3-3'], 'closes on a filter without its QoS byte', (scene) =>
    mustClose(scene, packet(0x82, u16(1), field('a'))),
  );
  conformance(['MQTT311-4.8.0-1'], 'closes on a filter that runs past the packet', (scene) =>
    mustClose(scene, packet(0x82, u16(1), u16(9), bytes(0x61, 0))),
  );
  for (const options of [0x03, 0x04, 0x08, 0x10, 0x40, 0x80]) {
    conformance(['MQTT311-3.8.3-4'], `closes on the requested QoS byte 0x${options.toString(16)}`, (scene) =>
      mustClose(scene, subscribe(4, 1, [['a', options]])),
    );
  }

  conformance(
    ['MQTT311-3.8.3-2', 'MQTT311-3.8.4-5'],
    'refuses wildcard filters with 0x80 when it does not support them',
    { settings: { wildcardSubscriptionAvailable: false } },
    async (scene) => {
      const client = await scene.connect(4);
      const name = scene.name();
      const suback = await client.subscribe(`${name}/+`, [name, 1], `${name}/#`);
      assert.deepEqual(suback.codes, [0x80, 1, 0x80]);
      await client.deliver({ topic: `${name}/a` });
      await client.expectNothing();
    },
  );

  conformance(
    ['MQTT311-3.8.4-1', 'MQTT311-3.8.4-2', 'MQTT311-3.8.4-4', 'MQTT311-3.8.4-5', 'MQTT311-3.9.3-1'],
    'answers many filters with one SUBACK, codes in their order',
    async (scene) => {
      const client = await scene.connect(4);
      const base = scene.name();
      const filters = Array.from({ length: 10 }, (_, i) => [`${base}/${i}`, i % 3] as const);
      client.send(subscribe(4, 777, filters));
      const suback = await client.expect('suback', { id: 777 });
      assert.deepEqual(
        suback.codes,
        filters.map(([, qos]) => qos),
      );
      await client.expectNothing();
      for (let i = 0; i < 10; i++) {
        client.sendPublish({ topic: `${base}/${i}`, payload: `${i}` });
        await client.receive({ topic: `${base}/${i}`, qos: 0 });
      }
    },
  );

  conformance(
    ['MQTT311-3.8.4-5', 'MQTT311-3.9.3-1', 'MQTT311-3.9.3-2'],
    'answers a refused filter with 0x80 in its place',
    { settings: { policies: true } },
    async (scene) => {
      const client = await scene.connect(4);
      const base = scene.name();
      const suback = await client.subscribe([`${base}/1`, 1], ['forbidden/x', 2], [`${base}/2`, 2], 'forbidden/#');
      assert.deepEqual(suback.codes, [1, 0x80, 2, 0x80]);
      await client.deliver({ topic: `${base}/1`, payload: 'x' });
      await client.receive({ payload: 'x' });
      for (const code of seenCodes.get('4 suback') ?? []) assert.ok([0, 1, 2, 0x80].includes(code));
    },
  );

  conformance(
    ['MQTT311-3.8.4-3'],
    'replaces the subscription on the same filter and sends retained messages again',
    async (scene) => {
      const topic = scene.name();
      const client = await scene.connect(4);
      await client.deliver({ topic, payload: 'retained', qos: 2, retain: true });
      for (const qos of [2, 0, 1]) {
        await client.subscribe([topic, qos]);
        await client.receive({ payload: 'retained', qos, retain: true });
        await client.deliver({ topic, payload: 'live', qos: 2 });
        await client.receive({ payload: 'live', qos });
        await client.expectNothing();
      }
      await client.unsubscribe(topic);
      await client.deliver({ topic, payload: 'live', qos: 2 });
      await client.expectNothing();
    },
  );

  conformance(['MQTT311-3.8.4-3'], 'does not interrupt the flow when a subscription is replaced', async (scene) => {
    const topic = scene.name();
    const receiver = await scene.subscriber(4, topic, 1);
    const sender = await scene.connect(4);
    const total = 60;
    const sending = (async () => {
      for (let i = 0; i < total; i++) await sender.deliver({ topic, payload: `${i}`, qos: 1 });
    })();
    for (let i = 0; i < total; i++) {
      if (i % 6 === 0) receiver.send(subscribe(4, 1000 + i, [[topic, 1]]));
      const got = await receiver.find('publish', { payload: `${i}` });
      await receiver.acknowledge(got);
    }
    await sending;
  });

  conformance(['MQTT311-3.8.4-4'], 'lets the later of two equal filters in one packet win', async (scene) => {
    const topic = scene.name();
    const client = await scene.connect(4);
    const suback = await client.subscribe([topic, 0], [topic, 2]);
    assert.deepEqual(suback.codes, [0, 2]);
    await client.deliver({ topic, payload: 'x', qos: 2 });
    await client.receive({ qos: 2, payload: 'x' });
    await client.expectNothing();
  });

  for (const granted of [0, 1, 2]) {
    for (const sent of [0, 1, 2]) {
      conformance(
        ['MQTT311-3.8.4-6', 'MQTT311-3.3.5-1'],
        `delivers QoS ${sent} to a subscription of QoS ${granted} at the lower of both`,
        async (scene) => {
          const topic = scene.name();
          const receiver = await scene.connect(4);
          assert.deepEqual((await receiver.subscribe([topic, granted])).codes, [granted]);
          const sender = await scene.connect(4);
          await sender.deliver({ topic, payload: 'm', qos: sent });
          await receiver.receive({ topic, payload: 'm', qos: Math.min(sent, granted) });
          await receiver.expectNothing();
        },
      );
    }
  }
});

section('MQTT 3.1.1, 3.10 UNSUBSCRIBE and 3.12 PINGREQ', () => {
  conformance(['MQTT311-3.10.3-2', 'MQTT311-4.8.0-1'], 'closes on UNSUBSCRIBE without a filter', (scene) =>
    mustClose(scene, packet(0xa2, u16(1))),
  );

  conformance(
    ['MQTT311-3.10.4-1', 'MQTT311-3.10.4-2', 'MQTT311-3.10.4-5'],
    'deletes only the exactly equal filter and then adds no messages',
    async (scene) => {
      const base = scene.name();
      const client = await scene.connect(4);
      await client.subscribe(`${base}/+`);
      await client.unsubscribe(`${base}/b`);
      await client.unsubscribe(`${base}/#`);
      await client.unsubscribe(`${base}/`);
      await client.deliver({ topic: `${base}/b`, payload: 'still' });
      await client.expect('publish', { payload: 'still' });
      await client.unsubscribe(`${base}/+`);
      await client.deliver({ topic: `${base}/b`, payload: 'no more', qos: 1 });
      await client.expectNothing();
    },
  );

  conformance(
    ['MQTT311-3.10.4-3'],
    'finishes deliveries that had begun when the filter is unsubscribed',
    async (scene) => {
      const topic = scene.name();
      const client = await scene.subscriber(4, topic, 2);
      const sender = await scene.connect(4);
      await sender.deliver({ topic, payload: 'one', qos: 1 });
      await sender.deliver({ topic, payload: 'two', qos: 2 });
      const one = await client.expect('publish', { qos: 1, payload: 'one' });
      const two = await client.expect('publish', { qos: 2, payload: 'two' });
      await client.unsubscribe(topic);
      await client.acknowledge(one);
      await client.acknowledge(two);
      await client.expectNothing();
    },
  );

  conformance(
    ['MQTT311-3.10.4-3', 'MQTT311-4.4.0-1'],
    'sends a begun delivery again after UNSUBSCRIBE and a resume',
    async (scene) => {
      const topic = scene.name();
      const clientId = scene.name();
      const first = await scene.connect(4, { clientId, clean: false });
      await first.subscribe([topic, 2]);
      const sender = await scene.connect(4);
      await sender.deliver({ topic, payload: 'begun', qos: 2 });
      const sent = await first.expect('publish', { qos: 2 });
      await first.unsubscribe(topic);
      first.cut();
      const second = await scene.connect(4, { clientId, clean: false });
      await second.receive({ payload: 'begun', dup: true, id: sent.id });
      await second.expectNothing();
    },
  );

  conformance(
    ['MQTT311-3.10.4-4', 'MQTT311-3.10.4-5', 'MQTT311-3.10.4-6'],
    'answers many filters, known or not, with one UNSUBACK',
    async (scene) => {
      const base = scene.name();
      const client = await scene.connect(4);
      await client.subscribe(`${base}/a`, `${base}/b`);
      client.send(unsubscribe(4, 4242, [`${base}/a`, `${base}/unknown`, `${base}/b`]));
      const unsuback = await client.expect('unsuback', { id: 4242 });
      assert.equal(unsuback.raw.length, 4);
      for (const topic of ['a', 'b']) await client.deliver({ topic: `${base}/${topic}` });
      await client.expectNothing();
    },
  );

  conformance(['MQTT311-3.12.4-1'], 'answers every PINGREQ with PINGRESP', async (scene) => {
    const client = await scene.connect(4);
    for (let i = 0; i < 10; i++) client.send(bytes(0xc0, 0x00));
    for (let i = 0; i < 10; i++) await client.expect('pingresp');
    await client.expectNothing();
  });
});

section('MQTT 3.1.1, 4.7 topic names and filters', () => {
  for (const filter of ['a#', 'a/b#', 'a/#/b', '#/a', 'a/#/', '##']) {
    conformance(['MQTT311-4.7.1-2'], `refuses the filter "${filter}" by 0x80 or a close`, async (scene) => {
      const client = await scene.connect(4);
      client.send(subscribe(4, 1, [[`${scene.name()}/${filter}`, 0]]));
      await scene.wait(50);
      if (client.closed) await client.expectClose();
      else await client.expect('suback', { codes: [0x80] });
    });
  }
  for (const filter of ['a+', 'a/+b', '+a/b', 'a/b+/c', '++', '+#']) {
    conformance(['MQTT311-4.7.1-3'], `refuses the filter "${filter}" by 0x80 or a close`, async (scene) => {
      const client = await scene.connect(4);
      client.send(subscribe(4, 1, [[`${scene.name()}/${filter}`, 0]]));
      await scene.wait(50);
      if (client.closed) await client.expectClose();
      else await client.expect('suback', { codes: [0x80] });
    });
  }
  conformance(['MQTT311-4.7.3-1'], 'refuses an empty filter by 0x80 or a close', async (scene) => {
    const client = await scene.connect(4);
    client.send(subscribe(4, 1, [['', 0]]));
    await scene.wait(50);
    if (client.closed) await client.expectClose();
    else await client.expect('suback', { codes: [0x80] });
  });

  const vectors: [filter: string, matches: string[], misses: string[]][] = [
    ['N/#', ['N', 'N/', 'N/a', 'N/a/b'], ['Ns', 'N2/a']],
    ['N/t/p/#', ['N/t/p', 'N/t/p/ranking', 'N/t/p/score/w'], ['N/t', 'N/t/px']],
    ['N/+', ['N/', 'N/a'], ['N', 'N/a/b']],
    ['N/+/c', ['N/b/c', 'N//c'], ['N/c', 'N/b/d/c', 'N/b/c/']],
    ['N/+/+', ['N/a/b', 'N//', 'N/a/'], ['N/a', 'N/a/b/c']],
    ['N/+/#', ['N/a', 'N/', 'N/a/b/c'], ['N']],
    ['+/N', ['x/N', '/N'], ['N', 'x/y/N', 'x/N/']],
    ['+/N/#', ['x/N', '/N/a/b'], ['N/a']],
    ['N//b', ['N//b'], ['N/b', 'N///b']],
    ['/N', ['/N'], ['N', 'x/N', '/N/']],
    ['N/a', ['N/a'], ['N/A', 'N/a/', 'n/a', 'N/ a']],
  ];
  for (const [filter, matches, misses] of vectors) {
    conformance(
      ['MQTT311-4.7.1-2', 'MQTT311-4.7.1-3', 'MQTT311-4.7.3-4', 'MQTT311-3.3.2-3'],
      `matches the right topics for "${filter}"`,
      async (scene) => {
        const name = scene.name();
        const named = (text: string): string => text.replaceAll('N', name);
        const client = await scene.subscriber(4, named(filter));
        const sender = await scene.connect(4);
        for (const topic of matches) {
          await sender.deliver({ topic: named(topic), payload: topic });
          await client.expect('publish', { topic: named(topic), payload: topic });
        }
        for (const topic of misses) await sender.deliver({ topic: named(topic), payload: topic });
        await sender.ping();
        await client.expectNothing();
        await client.unsubscribe(named(filter));
        for (const topic of [...matches, ...misses]) {
          await sender.deliver({ topic: named(topic), payload: topic, retain: true });
        }
        await sender.ping();
        await client.subscribe(named(filter));
        const got = new Set<string>();
        for (const _ of matches) got.add((await client.expect('publish', { retain: true })).topic);
        assert.deepEqual([...got].sort(), matches.map(named).sort());
        await client.expectNothing();
      },
    );
  }

  conformance(
    ['MQTT311-4.7.2-1'],
    'does not match topics that begin with $ to a filter that begins with a wildcard',
    async (scene) => {
      const name = scene.name();
      const wild = await scene.connect(4);
      await wild.subscribe(`+/${name}`, `+/${name}/#`, '#');
      // A server may refuse to take such topics from clients, by ignoring them or by a close.
      const sender = await scene.connect(4);
      sender.sendPublish({ topic: `$${name}/${name}`, payload: 'dollar' });
      sender.sendPublish({ topic: `$x/${name}`, payload: 'dollar' });
      await scene.wait(50);
      await (await scene.connect(4)).deliver({ topic: `x/${name}`, payload: 'plain' });
      // '#' also brings what other tests publish.
      await wild.find('publish', { topic: `x/${name}`, payload: 'plain' });
      for (const packet of wild.received) {
        if (packet.type === 'publish') assert.notEqual(packet.topic[0], '$');
      }
    },
  );

  conformance(['MQTT311-4.7.2-1', 'MQTT311-rule-11'], 'does not let clients publish to $SYS', async (scene) => {
    const name = scene.name();
    const watcher = await scene.connect(4);
    await watcher.subscribe(`$SYS/${name}`);
    const sender = await scene.connect(4);
    sender.sendPublish({ topic: `$SYS/${name}`, payload: 'fake', retain: true });
    await scene.wait(50);
    await watcher.expectNothing();
    const late = await scene.connect(4);
    await late.subscribe(`$SYS/${name}`);
    await late.expectNothing();
  });

  conformance(['MQTT311-4.7.3-3'], 'serves a topic of 65535 bytes', async (scene) => {
    const topic = scene.name().padEnd(65_535, 'x');
    const client = await scene.subscriber(4, topic);
    await client.deliver({ topic, payload: 'long' });
    await client.expect('publish', { topic, payload: 'long' });
    await client.unsubscribe(topic);
  });

  conformance(['MQTT311-4.7.3-4'], 'compares topics byte by byte, without normalisation', async (scene) => {
    const name = scene.name();
    const forms = [`${name}/é`, `${name}/e\u0301`, `${name}/É`, `${name}/\u{10fffd}`, `${name}/ﬁ`, `${name}/fi`];
    const clients = await Promise.all(forms.map((form) => scene.subscriber(4, form)));
    const sender = await scene.connect(4);
    for (const form of forms) await sender.deliver({ topic: form, payload: form });
    await sender.ping();
    for (const [i, client] of clients.entries()) {
      await client.expect('publish', { topic: forms[i], payload: forms[i] });
      await client.expectNothing();
    }
  });
});
