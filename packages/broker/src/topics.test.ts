import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Limits, resolveLimits } from './limits.ts';
import { createMetrics } from './metrics.ts';
import { isReserved, sameName, TopicTable } from './topics.ts';

function table(limits: Partial<Limits> = {}, strictText = true): TopicTable {
  return new TopicTable(resolveLimits(limits), strictText, createMetrics());
}

test('gives the same Topic for the same bytes, wherever they stand', () => {
  const topics = table();
  const bytes = Buffer.from('xxa/bxxa/b');
  const first = topics.intern(bytes, 2, 5);
  assert.equal(topics.intern(bytes, 7, 10), first);
  assert.equal(topics.named('a/b'), first);
  assert.deepEqual([first.name, first.encoded.toString('hex'), first.refusal, topics.size], ['a/b', '0003612f62', 0, 1]);
});

test('tells any names apart, and finds each again however many there are', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string({ minLength: 1, maxLength: 12 }).filter((name) => /^[^+#\p{C}\p{Cn}]+$/u.test(name)), { maxLength: 80 }), (names) => {
      const topics = table();
      const interned = names.map((name) => topics.named(name));
      assert.deepEqual(interned.map((topic) => topic.name), names);
      for (const [i, name] of names.entries()) assert.equal(topics.named(name), interned[i]);
      assert.equal(topics.size, names.length);
    }),
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
    ['a/b/c', 'a/b/c/d', 'x'.repeat(20), 'x'.repeat(21), '$SYS', '$SYS/x', '$SYSx', '$share/g/t', '$other'].map((name) => topics.named(name).refusal),
    [0, 0x90, 0, 0x90, 0x90, 0x90, 0, 0x90, 0],
  );
});

test('reserves names level by level, not by their first letters', () => {
  assert.deepEqual(['$SYS', '$SYS/a', '$share/x', '$queue', 'SYS/a', '$sys/a', '$SYSTEM', 'a/$SYS', '$dunlin/x'].map(isReserved), [true, true, true, true, false, false, false, false, true]);
});

test('refuses bad text with 0x81 and wildcards with 0x90, and learns nothing from that [MQTT-3.3.2-1, MQTT-3.3.2-2]', () => {
  const topics = table();
  for (const hex of ['ff', 'c080', 'eda080', '00', '61c3']) {
    const bytes = Buffer.from(hex, 'hex');
    assert.throws(() => topics.intern(bytes, 0, bytes.length), { code: 'malformed-packet', reasonCode: 0x81 });
  }
  for (const name of ['#', 'a/+', 'a+b']) assert.throws(() => topics.named(name), { code: 'topic-name-invalid', reasonCode: 0x90 });
  assert.equal(topics.size, 0);
});

test('refuses control characters only where text is strict', () => {
  assert.throws(() => table().named('a\u0001'), { code: 'malformed-packet' });
  assert.equal(table({}, false).named('a\u0001').name, 'a\u0001');
});

test('compares a name with bytes in place', () => {
  const { encoded } = table().named('ab');
  const bytes = Buffer.from('xabc');
  assert.deepEqual([sameName(encoded, bytes, 1, 2), sameName(encoded, bytes, 0, 2), sameName(encoded, bytes, 1, 3)], [true, false, false]);
});
