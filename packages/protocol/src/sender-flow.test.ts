import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { type OpenExchange, SenderFlow } from './sender-flow.ts';

test('closes a QoS 1 exchange with its PUBACK and returns the item, once [MQTT-4.3.2-3]', () => {
  const flow = new SenderFlow<string>(10);
  flow.open(7, 1, 'message');
  assert.equal(flow.isOpen(7), true);
  assert.equal(flow.get(7), 'message');
  assert.equal(flow.puback(7), 'message');
  assert.equal(flow.isOpen(7), false);
  assert.equal(flow.get(7), undefined);
  assert.equal(flow.puback(7), undefined);
});

test('asks for PUBREL after PUBREC and closes with PUBCOMP [MQTT-4.3.3-4] [MQTT-4.3.3-5]', () => {
  const flow = new SenderFlow<string>(10);
  flow.open(65_535, 2, 'message');
  assert.equal(flow.pubcomp(65_535), undefined);
  assert.equal(flow.pubrec(65_535, 0x10), 'release');
  assert.equal(flow.pubrec(65_535, 0), 'release');
  assert.equal(flow.isOpen(65_535), true);
  assert.equal(flow.pubcomp(65_535), 'message');
  assert.equal(flow.pubcomp(65_535), undefined);
  assert.equal(flow.pubrec(65_535, 0), 'unknown');
});

test('closes with a PUBREC of 0x80 or more, but not once PUBREL was sent [MQTT-4.3.3-4] [MQTT-4.4.0-2]', () => {
  const flow = new SenderFlow<string>(10);
  flow.open(1, 2, 'refused');
  assert.equal(flow.pubrec(1, 0x80), 'done');
  assert.equal(flow.size, 0);
  flow.open(1, 2, 'released');
  flow.pubrec(1, 0);
  assert.equal(flow.pubrec(1, 0x97), 'release');
  assert.equal(flow.pubcomp(1), 'released');
});

test('leaves an exchange alone when the acknowledgement is of the other QoS', () => {
  const flow = new SenderFlow<string>(10);
  flow.open(1, 1, 'one');
  flow.open(2, 2, 'two');
  assert.equal(flow.pubrec(1, 0), 'unknown');
  assert.equal(flow.pubrec(1, 0x80), 'unknown');
  assert.equal(flow.pubcomp(1), undefined);
  assert.equal(flow.puback(2), undefined);
  assert.equal(flow.size, 2);
  flow.pubrec(2, 0);
  assert.equal(flow.puback(2), undefined);
  assert.equal(flow.size, 2);
});

test('takes a unit of quota for each PUBLISH until PUBACK, PUBCOMP or a refusing PUBREC [MQTT-4.9.0-2]', () => {
  const flow = new SenderFlow<number>(3);
  flow.open(1, 1, 1);
  flow.open(2, 2, 2);
  assert.equal(flow.hasQuota(), true);
  flow.open(3, 2, 3);
  assert.equal(flow.hasQuota(), false);
  flow.pubrec(2, 0);
  assert.equal(flow.hasQuota(), false);
  flow.pubcomp(2);
  assert.equal(flow.hasQuota(), true);
  flow.open(4, 1, 4);
  assert.equal(flow.hasQuota(), false);
  flow.pubrec(3, 0x87);
  assert.equal(flow.hasQuota(), true);
  flow.open(5, 1, 5);
  flow.puback(1);
  assert.equal(flow.hasQuota(), true);
});

test('counts what is open against the Receive Maximum of the next connection [MQTT-4.9.0-1]', () => {
  const flow = new SenderFlow<number>(10);
  for (let id = 1; id <= 4; id++) flow.open(id, 1, id);
  flow.resume(3);
  assert.equal(flow.hasQuota(), false);
  flow.puback(1);
  assert.equal(flow.hasQuota(), false);
  flow.puback(2);
  assert.equal(flow.hasQuota(), true);
});

test('refuses to open an identifier twice [MQTT-2.2.1-4]', () => {
  const flow = new SenderFlow<string>(10);
  flow.open(1, 2, 'first');
  assert.throws(() => flow.open(1, 1, 'second'), /Cannot open packet identifier 1: it is in use/);
  flow.pubrec(1, 0);
  assert.throws(() => flow.open(1, 1, 'second'), /it is in use/);
  assert.equal(flow.get(1), 'first');
  assert.equal(flow.size, 1);
});

test('re-sends PUBLISHes in original order, PUBRELs in PUBREC order [MQTT-4.6.0-1] [MQTT-4.6.0-4]', () => {
  const flow = new SenderFlow<string>(100);
  const ids = [9, 3, 65_535, 1, 17, 2];
  for (const id of ids) flow.open(id, id === 9 ? 1 : 2, `m${id}`);
  flow.pubrec(17, 0);
  flow.pubrec(3, 0);
  flow.pubrec(17, 0);
  assert.deepEqual(flow.entries(), [
    { id: 17, qos: 2, state: 'released', item: 'm17' },
    { id: 3, qos: 2, state: 'released', item: 'm3' },
    { id: 9, qos: 1, state: 'published', item: 'm9' },
    { id: 65_535, qos: 2, state: 'published', item: 'm65535' },
    { id: 1, qos: 2, state: 'published', item: 'm1' },
    { id: 2, qos: 2, state: 'published', item: 'm2' },
  ]);
});

test('forgets everything with clear and can be used again', () => {
  const flow = new SenderFlow<string>(2);
  flow.open(1, 1, 'a');
  flow.open(2, 2, 'b');
  flow.clear();
  assert.equal(flow.size, 0);
  assert.equal(flow.hasQuota(), true);
  assert.deepEqual(flow.entries(), []);
  assert.equal(flow.puback(1), undefined);
  flow.open(1, 1, 'c');
  assert.equal(flow.puback(1), 'c');
});

test('holds all 65535 identifiers at once and opens each anew after it closed [MQTT-2.2.1-3]', () => {
  const flow = new SenderFlow<number>(65_535);
  for (let round = 0; round < 2; round++) {
    for (let id = 1; id <= 65_535; id++) flow.open(id, 1, id + round);
    assert.equal(flow.hasQuota(), false);
    assert.equal(flow.size, 65_535);
    for (let id = 65_535; id >= 1; id--) assert.equal(flow.puback(id), id + round);
    assert.equal(flow.size, 0);
  }
});

test('goes around all identifiers beside one exchange that stays open', () => {
  const flow = new SenderFlow<number>(4);
  flow.open(1, 2, -1);
  for (let id = 2; id <= 65_535; id++) {
    flow.open(id, 1, id);
    if (id > 2) assert.equal(flow.puback(id - 1), id - 1);
  }
  assert.equal(flow.get(1), -1);
  assert.equal(flow.size, 2);
});

test('lets go of each item once its exchange is closed, while others are open', async () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage: () => void = runInNewContext('gc');
  const flow = new SenderFlow<object>(10);
  flow.open(1, 1, {});
  const closed = [2, 3, 4].map((id) => openedAndClosed(flow, id));
  // What a WeakRef was made of in this turn is alive until the turn is over.
  await new Promise((resolve) => setImmediate(resolve));
  collectGarbage();
  assert.deepEqual(
    closed.map((item) => item.deref()),
    [undefined, undefined, undefined],
  );
  assert.equal(flow.size, 1);
});

function openedAndClosed(flow: SenderFlow<object>, id: number): WeakRef<object> {
  const item = new WeakRef({});
  flow.open(id, id === 2 ? 1 : 2, item.deref() as object);
  if (id === 2) flow.puback(id);
  else if (flow.pubrec(id, id === 3 ? 0 : 0x80) === 'release') flow.pubcomp(id);
  return item;
}

/** The state machine of section 4.3 told with a plain map. */
class PlainFlow {
  readonly open = new Map<number, { qos: 1 | 2; state: 'published' | 'released'; item: number; order: number }>();
  #order = 0;

  publish(id: number, qos: 1 | 2, item: number): void {
    this.open.set(id, { qos, state: 'published', item, order: this.#order++ });
  }
  puback(id: number): number | undefined {
    return this.#closeIf(id, 1, 'published');
  }
  pubrec(id: number, reasonCode: number): string {
    const exchange = this.open.get(id);
    if (exchange?.qos !== 2) return 'unknown';
    if (exchange.state === 'released') return 'release';
    if (reasonCode >= 0x80) this.open.delete(id);
    else this.open.set(id, { ...exchange, state: 'released', order: this.#order++ });
    return reasonCode >= 0x80 ? 'done' : 'release';
  }
  pubcomp(id: number): number | undefined {
    return this.#closeIf(id, 2, 'released');
  }
  resent(): OpenExchange<number>[] {
    const all = [...this.open].map(([id, { qos, state, item, order }]) => ({ id, qos, state, item, order }));
    const inOrder = all.sort((a, b) => a.order - b.order).map(({ order: _, ...exchange }) => exchange);
    const isReleased = ({ state }: OpenExchange<number>) => state === 'released';
    return [...inOrder.filter(isReleased), ...inOrder.filter((exchange) => !isReleased(exchange))];
  }
  #closeIf(id: number, qos: 1 | 2, state: string): number | undefined {
    const exchange = this.open.get(id);
    if (exchange?.qos !== qos || exchange.state !== state) return undefined;
    this.open.delete(id);
    return exchange.item;
  }
}

test('behaves as a plain map of exchanges through any packets, identifiers in any order', () => {
  const id = fc.oneof(fc.integer({ min: 1, max: 12 }), fc.constantFrom(16, 32, 64, 256, 512, 1024, 32_768, 65_535));
  const packet = fc.record({
    type: fc.constantFrom('publish1', 'publish2', 'puback', 'pubrec', 'refuse', 'pubcomp'),
    id,
  });
  fc.assert(
    fc.property(fc.array(packet, { maxLength: 120 }), (packets) => {
      const flow = new SenderFlow<number>(8);
      const plain = new PlainFlow();
      for (const [item, { type, id }] of packets.entries()) {
        if (type === 'puback') assert.equal(flow.puback(id), plain.puback(id));
        else if (type === 'pubrec') assert.equal(flow.pubrec(id, 0), plain.pubrec(id, 0));
        else if (type === 'refuse') assert.equal(flow.pubrec(id, 0x80), plain.pubrec(id, 0x80));
        else if (type === 'pubcomp') assert.equal(flow.pubcomp(id), plain.pubcomp(id));
        else if (!plain.open.has(id)) {
          const qos = type === 'publish1' ? 1 : 2;
          flow.open(id, qos, item);
          plain.publish(id, qos, item);
        }
        assert.equal(flow.size, plain.open.size);
        assert.equal(flow.hasQuota(), plain.open.size < 8);
        assert.equal(flow.isOpen(id), plain.open.has(id));
        assert.equal(flow.get(id), plain.open.get(id)?.item);
      }
      assert.deepEqual(flow.entries(), plain.resent());
    }),
    { numRuns: 300 },
  );
});
