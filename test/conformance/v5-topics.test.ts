/** MQTT 5.0, section 4.7: Topic Names, Topic Filters and what matches. */

import assert from 'node:assert/strict';
import { conformance, type Scene, section } from './harness.ts';
import { each, rejects } from './v5-rejection.ts';
import * as wire from './wire.ts';

/** A filter with the topics it matches and does not match. */
type Vector = [filter: string, matches: string[], others: string[]];

const BELOW: Vector[] = [
  ['sport/#', ['sport', 'sport/', 'sport/a', 'sport/a/b'], ['sports', 'Sport/a']],
  [
    'sport/tennis/player1/#',
    ['sport/tennis/player1', 'sport/tennis/player1/ranking', 'sport/tennis/player1/score/wimbledon'],
    ['sport/tennis'],
  ],
  ['sport/+', ['sport/', 'sport/a'], ['sport', 'sport/a/b']],
  ['+', ['finance'], ['/finance', 'a/b']],
  ['+/+', ['/finance', 'a/b', '/'], ['finance']],
  ['/+', ['/finance', '/'], ['finance']],
  ['+/#', ['a', 'a/b', '/', '/a'], []],
  ['+/monitor/Clients', ['x/monitor/Clients'], ['monitor/Clients']],
  ['a//b', ['a//b'], ['a/b']],
  ['#', ['a', '/', 'a/b/c', '$x'], []],
  ['$SYS/#', ['$SYS', '$SYS/x', '$SYS/x/y'], ['SYS/x']],
  ['a/+/c', ['a/b/c', 'a//c'], ['a/c', 'a/b/d', 'a/b/c/d']],
  ['+/+/+', ['//', 'a/b/c'], ['a/b', 'a/b/c/d']],
];

/** Publishes every topic of `vector`, retained ones aside, and checks which of them arrive. */
async function matches(scene: Scene, filter: string, wanted: string[], others: string[]): Promise<void> {
  const client = await scene.subscriber(5, filter);
  const publisher = await scene.connect(5);
  const payload = scene.name();
  for (const topic of [...others, ...wanted]) publisher.sendPublish({ topic, payload });
  await publisher.ping();
  for (const topic of wanted) await client.find('publish', { topic, payload });
  await client.ping();
  const got = client.received.filter((packet) => packet.type === 'publish' && packet.payload.toString() === payload);
  assert.equal(got.length, wanted.length, `${filter} got another topic than ${wanted.join(', ')}`);
}

section('MQTT 5.0, 4.7 Topic Names and Topic Filters', () => {
  conformance(
    ['MQTT-3.3.2-3', 'MQTT-4.7.1-1', 'MQTT-4.7.1-2'],
    'matches below a common level as the vectors say',
    async (scene) => {
      await each(BELOW, async ([filter, wanted, others]) => {
        const base = scene.name();
        const below = (topic: string): string => `${base}/${topic}`;
        await matches(scene, below(filter), wanted.map(below), others.map(below));
      });
    },
  );

  conformance(
    ['MQTT-3.3.2-3', 'MQTT-4.7.1-1', 'MQTT-4.7.1-2'],
    'matches at the first level as the vectors say',
    async (scene) => {
      const name = scene.name();
      const vectors: Vector[] = [
        [`${name}/#`, [name, `${name}/`, `${name}/a/b`], [`${name}s`, name.toUpperCase()]],
        [`+/${name}`, [`a/${name}`, `/${name}`], [name, `a/b/${name}`, `$a/${name}`]],
        [`+/${name}/#`, [`a/${name}`, `/${name}/b`], [`$a/${name}`, name]],
        [`/${name}`, [`/${name}`], [name, `//${name}`]],
        [`/+/${name}`, [`/a/${name}`, `//${name}`], [`a/${name}`, `/${name}`]],
        [`$${name}/#`, [`$${name}`, `$${name}/x`, `$${name}/x/y`], [`${name}/x`]],
        [`$${name}/+`, [`$${name}/x`], [`$${name}`, `$${name}/x/y`]],
      ];
      await each(vectors, ([filter, wanted, others]) => matches(scene, filter, wanted, others));
    },
  );

  conformance(['MQTT-4.7.1-1'], 'matches everything but $ topics with #', async (scene) => {
    const name = scene.name();
    const client = await scene.subscriber(5, '#', 0x20);
    const publisher = await scene.connect(5);
    for (const topic of [`$${name}/x`, `$${name}`, name, `/${name}`, `${name}/a/b/c`]) {
      publisher.sendPublish({ topic, payload: name });
    }
    for (const topic of [name, `/${name}`, `${name}/a/b/c`]) await client.find('publish', { topic, payload: name });
    await client.ping();
    assert.ok(client.received.every((packet) => packet.type !== 'publish' || !packet.topic.startsWith('$')));
  });

  conformance(['MQTT-4.7.1-1', 'MQTT-4.7.1-2'], 'matches single-level filters at the first level', async (scene) => {
    const name = scene.name();
    const publisher = await scene.connect(5);
    for (const [filter, wanted, others] of [
      ['+', [name], [`/${name}`, `${name}/b`, `$${name}`]],
      ['+/+', [`/${name}`, `a/${name}`], [name, `$a/${name}`]],
      ['/+', [`/${name}`], [name]],
      ['+/#', [name, `${name}/b`, `/${name}`], [`$${name}/b`]],
    ] as const) {
      const client = await scene.subscriber(5, filter, 0x20);
      const payload = scene.name();
      for (const topic of [...others, ...wanted]) publisher.sendPublish({ topic, payload });
      for (const topic of wanted) await client.find('publish', { topic, payload });
      await client.ping();
      const got = client.received.filter((one) => one.type === 'publish' && one.payload.toString() === payload);
      assert.equal(got.length, wanted.length, filter);
      await client.disconnect();
    }
  });

  conformance(['MQTT-4.7.1-1'], 'takes # at the end only', async (scene) => {
    const client = await scene.connect(5);
    assert.deepEqual((await client.subscribe([`${scene.name()}/#`, 0])).codes, [0]);
    await refusesFilters(scene, [
      'a#',
      'a/#/b',
      '#/a',
      'a/b#',
      'sport/tennis#',
      'sport/tennis/#/ranking',
      '##',
      'a/##',
    ]);
  });

  conformance(['MQTT-4.7.1-2'], 'takes + as a whole level only', async (scene) => {
    const client = await scene.connect(5);
    const name = scene.name();
    assert.deepEqual(
      (await client.subscribe([`+/${name}`, 0], [`a/+/${name}`, 0], [`+/+/${name}`, 0])).codes,
      [0, 0, 0],
    );
    await refusesFilters(scene, ['a+', 'a/+b', '+a/b', 'sport+', '++', 'a/++', '+#', 'a/+#']);
  });

  conformance(
    ['MQTT-4.7.1-1', 'MQTT-4.7.1-2'],
    'says with a code why it does not take a filter (choice)',
    async (scene) => {
      await each(['a#', 'a/#/b', 'a+', ''], async (filter) => {
        const client = await scene.connect(5);
        client.send(wire.subscribe(5, 1, [[filter, 0]]));
        const answer = await client.expect('suback').catch(() => client.expect('disconnect'));
        const code = answer.type === 'suback' ? answer.codes[0] : (answer as { code: number }).code;
        assert.ok([0x8f, 0x81, 0x82].includes(code), `code ${code}`);
      });
    },
  );

  conformance(['MQTT-4.7.0-1'], 'refuses wildcards in Topic Names', async (scene) => {
    await each(['+', '#', 'a/+', 'a/#', 'a+b'], (topic) =>
      rejects(scene, wire.publish(5, { topic }), [0x90, 0x81, 0x82]),
    );
  });

  conformance(['MQTT-4.7.2-1'], 'hides $ topics from filters that start with a wildcard', async (scene) => {
    const name = scene.name();
    const hidden = await Promise.all(['#', `+/${name}`, `+/#`, `+/${name}/#`].map((f) => scene.subscriber(5, f, 0x20)));
    const open = await scene.subscriber(5, `$${name}/${name}`);
    const below = await scene.subscriber(5, `$${name}/+`);
    const publisher = await scene.connect(5);
    publisher.sendPublish({ topic: `$${name}/${name}` });
    await open.expect('publish', { topic: `$${name}/${name}` });
    await below.expect('publish', { topic: `$${name}/${name}` });
    for (const client of hidden) {
      await client.ping();
      const seen = client.received.filter((packet) => packet.type === 'publish' && packet.topic.startsWith('$'));
      assert.equal(seen.length, 0);
    }
  });

  conformance(['MQTT-4.7.2-1'], 'hides retained $ topics from filters that start with a wildcard', async (scene) => {
    const name = scene.name();
    const topic = `$${name}/${name}`;
    const publisher = await scene.connect(5);
    await publisher.deliver({ topic, qos: 1, retain: true, payload: 'x' });
    const hidden = await scene.subscriber(5, `+/${name}`);
    await hidden.expectNothing();
    const open = await scene.subscriber(5, `$${name}/+`);
    await open.expect('publish', { topic, retain: true });
    await publisher.deliver({ topic, qos: 1, retain: true });
  });

  conformance(['MQTT-4.7.2-1'], 'sends its $SYS topics only to filters that begin with $ (choice)', async (scene) => {
    const all = await scene.subscriber(5, '#');
    const sys = await scene.subscriber(5, '$SYS/#');
    const got = await sys.find('publish', {}, 15_000);
    assert.ok(got.topic.startsWith('$SYS/'));
    await all.ping();
    assert.ok(all.received.every((packet) => packet.type !== 'publish' || !packet.topic.startsWith('$')));
  });

  conformance([], 'refuses to publish to $SYS (choice)', async (scene) => {
    const topic = `$SYS/${scene.name()}`;
    const watcher = await scene.subscriber(5, topic);
    const client = await scene.connect(5);
    for (const qos of [1, 2]) {
      const code = await client.deliver({ topic, qos, payload: 'mine', retain: true });
      assert.ok([0x87, 0x90].includes(code), `code ${code}`);
    }
    client.sendPublish({ topic, payload: 'mine', retain: true });
    await watcher.expectNothing();
    const late = await scene.subscriber(5, topic);
    await late.expectNothing();
  });

  conformance(['MQTT-4.7.3-1'], 'refuses empty Topic Names and Topic Filters', async (scene) => {
    await rejects(scene, wire.publish(5, { topic: '' }), [0x82]);
    await refusesFilters(scene, ['']);
    await rejects(scene, wire.packet(0xa2, wire.u16(1), wire.bytes(0), wire.u16(0)), [0x81, 0x82, 0x8f]).catch(
      async (error: Error) => {
        if (!error.message.includes('unsuback')) throw error;
      },
    );
  });

  conformance(['MQTT-4.7.3-2'], 'refuses U+0000 in Topic Names and Topic Filters', async (scene) => {
    await rejects(scene, wire.publish(5, { topic: wire.hex('61 2F 00') }), [0x81]);
    await rejects(scene, wire.subscribe(5, 1, [[wire.hex('61 2F 00'), 0]]), [0x81]);
    await rejects(scene, wire.unsubscribe(5, 1, [wire.hex('00')]), [0x81]);
  });

  conformance(['MQTT-4.7.3-3'], 'serves a topic of 65,535 bytes', async (scene) => {
    const topic = scene.name().padEnd(65_535, 'x');
    const client = await scene.connect(5);
    const { codes } = await client.subscribe([topic, 0]);
    if (codes[0] >= 0x80) return assert.ok([0x8f, 0x97].includes(codes[0]), `code ${codes[0]}`);
    client.sendPublish({ topic, payload: 'long' });
    await client.expect('publish', { topic, payload: 'long' });
  });

  conformance(['MQTT-4.7.3-4'], 'compares levels byte by byte without changing them', async (scene) => {
    const name = scene.name();
    const topics = [
      `${name}/A`,
      `${name}/a`,
      `/${name}/a`,
      `${name}//a`,
      `${name}/a/`,
      `${name}/a b`,
      `${name}/ a`,
      `${name}/\u00e9`,
      `${name}/e\u0301`,
      `${name}/\u0378`,
      `${name}/\u{e0001}`,
      `${name}/.`,
      `${name}/..`,
      `${name}/%41`,
    ];
    const publisher = await scene.connect(5);
    const clients = await Promise.all(topics.map((topic) => scene.subscriber(5, topic)));
    for (const topic of topics) publisher.sendPublish({ topic });
    await publisher.ping();
    for (const [i, client] of clients.entries()) {
      await client.expect('publish', { topicBytes: Buffer.from(topics[i]) });
      await client.expectNothing(1);
    }
  });

  conformance(['MQTT-rule-34'], 'serves topics of 128 levels (choice)', async (scene) => {
    const topic = [scene.name(), ...Array.from({ length: 127 }, (_, i) => `${i}`)].join('/');
    const filter = `${topic.split('/').slice(0, 100).join('/')}/#`;
    const client = await scene.connect(5);
    assert.deepEqual((await client.subscribe([topic, 0], [filter, 0])).codes, [0, 0]);
    client.sendPublish({ topic });
    await client.expect('publish', { topic });
  });

  conformance(['MQTT-rule-34'], 'serves a topic of thousands of levels or refuses it by a code', async (scene) => {
    const topic = `${scene.name()}${'/'.repeat(30_000)}`;
    const client = await scene.connect(5);
    client.sendPublish({ topic, qos: 1, id: 1 });
    const puback = await client.expect('puback').catch(() => undefined);
    if (puback === undefined) await client.expectClose([0x90, 0x97, 0x81, 0x82]);
    else assert.ok([0x00, 0x10, 0x90, 0x97].includes(puback.code), `code ${puback.code}`);
    const other = await scene.connect(5);
    other.send(wire.subscribe(5, 1, [[topic, 0]]));
    const suback = await other.expect('suback').catch(() => undefined);
    if (suback === undefined) await other.expectClose([0x8f, 0x97, 0x81, 0x82]);
    else assert.ok([0x00, 0x8f, 0x97].includes(suback.codes[0]), `code ${suback.codes[0]}`);
  });
});

/** Each filter is refused by 0x8F in SUBACK, or by a close with 0x81, 0x82 or 0x8F. */
async function refusesFilters(scene: Scene, filters: string[]): Promise<void> {
  await each(filters, async (filter) => {
    const client = await scene.connect(5);
    client.send(wire.subscribe(5, 1, [[filter, 0]]));
    const suback = await client.expect('suback').catch(() => undefined);
    if (suback === undefined) await client.expectClose([0x81, 0x82, 0x8f]);
    else assert.deepEqual(suback.codes, [0x8f], `filter ${filter}`);
  });
}
