/** A server with a data directory: what subscribers know of retained messages is true in the end, whenever they came. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type Client, connect } from '@dunlin/client';
import { topicMatches } from '@dunlin/protocol';
import { startServer } from '@dunlin/server';

const PUBLICATIONS = 3_000;
const FILTERS = ['#', '+/+/x', 'a/#', '+/3/#', 'a/+/y', 'b/7/z', '+/+/+/+'];
const LOOKS_MAX = 2_000;
const data = mkdtempSync(join(tmpdir(), 'dunlin-retained-'));
after(() => rmSync(data, { recursive: true }));

/** Numbers below `limit`, the same in every run. */
let state = 7;
function roll(limit: number): number {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((state / 2 ** 32) * limit);
}

/** What a subscriber has of each topic: the number that was last. */
class Subscriber {
  readonly filter: string;
  readonly seen = new Map<string, number>();
  readonly wrong: string[] = [];

  constructor(filter: string) {
    this.filter = filter;
  }

  async follow(client: Client): Promise<void> {
    const last = new Map<string, number>();
    for await (const { topic, payload } of await client.subscribe(this.filter, { qos: 1 })) {
      const number = Number(Buffer.from(payload).toString());
      if (payload.length === 0) this.seen.delete(topic);
      else {
        if (number <= (last.get(topic) ?? 0)) this.wrong.push(`${topic}: ${number} after ${last.get(topic)}`);
        last.set(topic, number);
        this.seen.set(topic, number);
      }
    }
  }
}

/** Puts and deletes while subscribers come, each of them at any moment. Returns them with their connections. */
async function publishAndSubscribe(url: string, kept: Map<string, number>, first: number) {
  const publisher = await connect(url);
  const clients = [publisher];
  const subscribers: Subscriber[] = [];
  let unfinished: Promise<unknown>[] = [];
  for (let number = first; number < first + PUBLICATIONS; number++) {
    const long = roll(30) === 0 ? `/${'long'.repeat(400)}` : '';
    const topic = `${'ab'[roll(2)]}/${roll(20)}/${'xyz'[roll(3)]}${long}`;
    const isDeletion = roll(5) === 0;
    if (isDeletion) kept.delete(topic);
    else kept.set(topic, number);
    // Some are large, and shared by those who read them.
    const payload = isDeletion ? '' : `${number}`.padStart(roll(10) === 0 ? 3_000 : 1);
    unfinished.push(publisher.publish(topic, payload, { qos: 1, retain: true }));
    if (roll(100) === 0) {
      const client = await connect(url);
      clients.push(client);
      const subscriber = new Subscriber(FILTERS[roll(FILTERS.length)]);
      subscribers.push(subscriber);
      // It ends with the connection.
      subscriber.follow(client).catch(() => undefined);
    }
    if (roll(40) > 0) continue;
    await Promise.all(unfinished);
    unfinished = [];
  }
  await Promise.all(unfinished);
  return { clients, subscribers };
}

function expected(kept: ReadonlyMap<string, number>, filter: string): Map<string, number> {
  return new Map([...kept].filter(([topic]) => topicMatches(filter, topic)));
}

function isTrue({ seen, filter }: Subscriber, kept: ReadonlyMap<string, number>): boolean {
  const wanted = expected(kept, filter);
  return seen.size === wanted.size && [...wanted].every(([topic, number]) => seen.get(topic) === number);
}

test('tells every subscriber of retained messages the last of each topic, nothing older after it, also after a restart', async () => {
  const kept = new Map<string, number>();
  for (const retainedCacheBytesMax of [20_000, 0, 20_000]) {
    const server = await startServer({
      listeners: [{ name: 'tcp', host: '127.0.0.1', port: 0 }],
      data,
      limits: { retainedCacheBytesMax },
      // Nothing retained of the broker's own.
      settings: { sysIntervalS: 0 },
    });
    const { port } = server.listeners[0];
    const first = Math.max(0, ...kept.values()) + 1;
    const { clients, subscribers } = await publishAndSubscribe(`mqtt://127.0.0.1:${port}`, kept, first);
    for (let look = 0; look < LOOKS_MAX && !subscribers.every((one) => isTrue(one, kept)); look++)
      await new Promise((resolve) => setTimeout(resolve, 5));
    assert.ok(subscribers.length > 10);
    for (const { filter, seen, wrong } of subscribers) {
      assert.deepEqual([...seen].sort(), [...expected(kept, filter)].sort(), filter);
      assert.deepEqual(wrong, [], filter);
    }
    assert.equal(server.broker.retained.count, kept.size);
    for (const client of clients) await client.disconnect();
    await server.stop();
  }
});
