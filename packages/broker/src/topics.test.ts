import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Limits, resolveLimits } from './limits.ts';
import { createMetrics } from './metrics.ts';
import { isReserved, sameName, storedTopic, TopicTable } from './topics.ts';

function table(limits: Partial<Limits> = {}, strictText = true): TopicTable {
  return new TopicTable(resolveLimits(limits), strictText, createMetrics());
}

test('gives back the places of topics that were seen once, however many come', () => {
  const topics = table({ topicCacheBytesMax: 64 * 1024 });
  const known = topics.named('known');
  for (let i = 0; i < 20_000; i++) {
    topics.named(`once/${i}`);
    if (i % 10 === 0) assert.equal(topics.named('known'), known);
  }
  assert.ok(topics.places <= 2 * topics.size + 512, `${topics.places} places for ${topics.size} topics`);
});

test('stays as small over a million topics that are seen once, in the same time for each', () => {
  const topics = table({ topicCacheBytesMax: 64 * 1024 });
  const name = Buffer.from('once/0000000');
  let [sizeMax, placesMax] = [0, 0];
  const before = process.cpuUsage();
  for (let i = 0; i < 1_000_000; i++) {
    name.write(`${i}`.padStart(7, '0'), 5);
    topics.intern(name, 0, name.length);
    sizeMax = Math.max(sizeMax, topics.size);
    placesMax = Math.max(placesMax, topics.places);
  }
  const { user, system } = process.cpuUsage(before);
  assert.ok(topics.bytes <= 64 * 1024 && sizeMax <= 200, `${topics.bytes} bytes, ${sizeMax} topics`);
  assert.ok(placesMax <= 1_024, `${placesMax} places`);
  // Of the processor, not of the clock: far above what it takes, and far below what it would if places piled up.
  assert.ok(user + system < 3_000_000, `${user + system} µs`);
});

test('makes the topic of a stored message as the table does', () => {
  for (const name of ['a/b', 'größe/😀', 'x'.repeat(65_535)]) {
    const interned = new TopicTable(resolveLimits(), true, createMetrics()).named(name);
    const { encoded, firstLevelHash, isKept } = storedTopic(name);
    assert.deepEqual([encoded, firstLevelHash, isKept], [interned.encoded, interned.firstLevelHash, false]);
  }
});

test('gives the same Topic for the same bytes, wherever they stand', () => {
  const topics = table();
  const bytes = Buffer.from('xxa/bxxa/b');
  const first = topics.intern(bytes, 2, 5);
  assert.equal(topics.intern(bytes, 7, 10), first);
  assert.equal(topics.named('a/b'), first);
  assert.deepEqual(
    [first.name, first.encoded.toString('hex'), first.refusal, topics.size],
    ['a/b', '0003612f62', 0, 1],
  );
});

test('tells any names apart, and finds each again however many there are', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(
        fc.string({ minLength: 1, maxLength: 12 }).filter((name) => /^[^+#\p{C}\p{Cn}]+$/u.test(name)),
        { maxLength: 80 },
      ),
      (names) => {
        const topics = table();
        const interned = names.map((name) => topics.named(name));
        assert.deepEqual(
          interned.map((topic) => topic.name),
          names,
        );
        for (const [i, name] of names.entries()) assert.equal(topics.named(name), interned[i]);
        assert.equal(topics.size, names.length);
      },
    ),
  );
});

test('stays within topicCacheBytesMax and finds what was dropped again as new', () => {
  const metrics = createMetrics();
  const topics = new TopicTable(resolveLimits({ topicCacheBytesMax: 64 * 1024 }), true, metrics);
  for (let i = 0; i < 5_000; i++) {
    topics.named(`fleet/vehicle/${i}/speed`);
    assert.ok(topics.bytes <= 64 * 1024);
  }
  assert.equal(metrics.topicsEvicted, 5_000 - topics.size);
  assert.ok(topics.size > 100);
  assert.equal(topics.named('fleet/vehicle/0/speed').name, 'fleet/vehicle/0/speed');
});

test('spares topics that are used while others pass by once', () => {
  const topics = table({ topicCacheBytesMax: 64 * 1024 });
  const busy = Array.from({ length: 20 }, (_, i) => topics.named(`busy/${i}`));
  for (let i = 0; i < 5_000; i++) {
    topics.named(`once/${i}`);
    for (const topic of busy) topics.named(topic.name);
  }
  for (const topic of busy) assert.equal(topics.named(topic.name), topic);
});

test('keeps a single topic that is larger than the whole table', () => {
  const topics = table({ topicCacheBytesMax: 64 * 1024 });
  const long = 'x'.repeat(65_535);
  topics.named('a');
  assert.equal(topics.named(long).name, long);
  assert.equal(topics.size, 1);
});

test('marks topics that nobody may publish to: too long, too deep, reserved', () => {
  const topics = table({ topicBytesMax: 20, topicLevelsMax: 3 });
  assert.deepEqual(
    ['a/b/c', 'a/b/c/d', 'x'.repeat(20), 'x'.repeat(21), '$SYS', '$SYS/x', '$SYSx', '$share/g/t', '$other'].map(
      (name) => topics.named(name).refusal,
    ),
    [0, 0x90, 0, 0x90, 0x90, 0x90, 0, 0x90, 0],
  );
});

test('reserves names level by level, not by their first letters', () => {
  assert.deepEqual(
    ['$SYS', '$SYS/a', '$share/x', '$queue', 'SYS/a', '$sys/a', '$SYSTEM', 'a/$SYS', '$dunlin/x'].map(isReserved),
    [true, true, true, true, false, false, false, false, true],
  );
});

test('refuses bad text with 0x81 and wildcards with 0x90, and learns nothing from that [MQTT-3.3.2-1, MQTT-3.3.2-2]', () => {
  const topics = table();
  for (const hex of ['ff', 'c080', 'eda080', '00', '61c3']) {
    const bytes = Buffer.from(hex, 'hex');
    assert.throws(() => topics.intern(bytes, 0, bytes.length), { code: 'malformed-packet', reasonCode: 0x81 });
  }
  for (const name of ['#', 'a/+', 'a+b'])
    assert.throws(() => topics.named(name), { code: 'topic-name-invalid', reasonCode: 0x90 });
  assert.equal(topics.size, 0);
});

test('refuses control characters only where text is strict', () => {
  assert.throws(() => table().named('a\u0001'), { code: 'malformed-packet' });
  assert.equal(table({}, false).named('a\u0001').name, 'a\u0001');
});

test('compares a name with bytes in place', () => {
  const { encoded } = table().named('ab');
  const bytes = Buffer.from('xabc');
  assert.deepEqual(
    [sameName(encoded, bytes, 1, 2), sameName(encoded, bytes, 0, 2), sameName(encoded, bytes, 1, 3)],
    [true, false, false],
  );
});

/** Names of twelve bytes that all have the hash of the table in common: its last step undone for the last four bytes. */
function collidingNames(count: number): Buffer[] {
  const multiplier = 0x9e3779b1;
  let inverse = multiplier;
  for (let i = 0; i < 5; i++) inverse = Math.imul(inverse, 2 - Math.imul(multiplier, inverse));
  const target = 0x12345678;
  const before = Math.imul(target ^ (target >>> 15) ^ (target >>> 30), inverse);
  const names: Buffer[] = [];
  for (let seed = 0; names.length < count; seed++) {
    const name = Buffer.from(`${(seed * 7919).toString(36).padStart(8, 'a')}0000`);
    let hash = 12;
    for (let at = 0; at < 8; at += 4) {
      hash = Math.imul(hash ^ name.readInt32LE(at), multiplier);
      hash ^= hash >>> 15;
    }
    name.writeInt32LE(before ^ hash, 8);
    if (/^[\w/.@~=-]+$/.test(name.toString('latin1'))) names.push(name);
  }
  return names;
}

test('keeps few of the names that were made to share one hash, and serves them all', () => {
  const topics = new TopicTable(resolveLimits(), true, createMetrics());
  const names = collidingNames(200);
  const found = names.map((name) => topics.intern(name, 0, name.length));
  assert.equal(new Set(found.map((topic) => topic.hash)).size, 1);
  assert.deepEqual(
    found.map((topic) => topic.name),
    names.map((name) => name.toString()),
  );
  assert.equal(topics.size, 32);
  assert.equal(topics.intern(names[0], 0, 12), found[0]);
  assert.notEqual(topics.intern(names[199], 0, 12), found[199]);
});

test('counts who wants a topic against topicCacheBytesMax, and keeps no answer that is too large', () => {
  const topics = new TopicTable(resolveLimits({ topicCacheBytesMax: 64 * 1024 }), true, createMetrics());
  const all = Array.from({ length: 40 }, (_, i) => topics.named(`t${i}`));
  const empty = topics.bytes;
  assert.equal(topics.mayKeep(all[39], 8 * 1024), true);
  assert.equal(topics.bytes, empty + 8 * 1024);
  assert.equal(topics.mayKeep(all[39], 8 * 1024 + 1), false);
  assert.equal(topics.bytes, empty);
  for (const topic of all) topics.mayKeep(topic, 4 * 1024);
  assert.ok(topics.bytes <= 64 * 1024, `${topics.bytes} bytes`);
  const dropped = all.find((topic) => !topic.isKept);
  assert.ok(dropped !== undefined);
  assert.deepEqual([topics.mayKeep(dropped, 64), topics.mayKeep(dropped, 1024)], [true, false]);
});

test('lets nobody choose topics that fall into one bucket', () => {
  // Two words of a name are chosen so that both give the same hash where the seed is known: 0.
  const state = (word: number) => {
    const product = Math.imul(8 ^ word, 0x9e3779b1);
    return (product ^ (product >>> 15)) >>> 0;
  };
  const names: string[] = [];
  for (let i = 0; i < 400_000 && names.length < 100; i++) {
    const bytes = Buffer.alloc(8);
    bytes.write(i.toString(36).padStart(4, '0'));
    bytes.writeUInt32LE((state(bytes.readUInt32LE(0)) ^ 0x12345678) >>> 0, 4);
    if (bytes.every((byte) => byte > 0x30 && byte < 0x7f)) names.push(bytes.toString());
  }
  assert.equal(names.length, 100);
  const hashes = (seed: number) => {
    const topics = new TopicTable(resolveLimits(), true, createMetrics(), seed);
    return new Set(names.map((name) => topics.named(name).hash)).size;
  };
  assert.equal(hashes(0), 1);
  assert.ok(hashes(0x5eed5eed) > 90);
});
