/** No acknowledgement leaves before the flush that covers it: read off the system calls of the whole server. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openLmdb } from '@dunlin/lmdb';
import { Key } from '../../packages/lmdb/src/keys.ts';
import { missing } from '../../tools/prerequisites.ts';
import type { Packet, PacketName } from '../conformance/parser.ts';
import { RawClient } from '../conformance/raw-client.ts';
import { ack } from '../conformance/wire.ts';
import { TracedServer, type Transaction } from './traced-server.ts';

const MESSAGES = 40;
const WINDOW = 8;
const stored = { clean: false, properties: { sessionExpiryInterval: 1_000 } };

/** A packet that must not leave before a transaction with all of these bytes is durable. */
interface Expectation {
  readonly clientPort: number;
  readonly type: PacketName;
  /** Of several packets of that type: the one with this identifier, or this payload. */
  readonly which: number | string | undefined;
  readonly needs: readonly (string | Received)[];
}

/** The QoS 2 identifier of a message that was received from a stored session. */
interface Received {
  readonly clientId: string;
  readonly packetId: number;
}

/** What clients did, and what must be true of what they were sent. */
class Load {
  readonly expectations: Expectation[] = [];
  /** Answers to a client that was alone and waited for each, in order: a transaction lies before each but the first. */
  readonly alone: { readonly clientPort: number; readonly types: readonly PacketName[] }[] = [];
  readonly #server: TracedServer;

  constructor(server: TracedServer) {
    this.#server = server;
  }

  async run(): Promise<void> {
    const offline = await this.#open('sleeper', 'the will of the sleeper');
    await this.#subscribe(offline, 'order/+');
    offline.cut();
    const online = await this.#open('watcher', 'the will of the watcher');
    await this.#subscribe(online, 'order/#');
    const publishers = await Promise.all(
      [1, 1, 2, 2].map((qos, index) => this.#publisher(online, qos as 1 | 2, index)),
    );
    await Promise.all(publishers.map((publish) => publish()));
    for (let count = 1; count <= publishers.length * MESSAGES; count++) await online.find('publish');
    online.cut();
    await this.#beAlone();
  }

  /** A client with a stored session and a will. */
  async #open(clientId: string, will: string): Promise<RawClient> {
    const client = await RawClient.open({ host: '127.0.0.1', port: this.#server.port }, 5);
    await client.connect({ ...stored, clientId, will: { topic: 'will', payload: will } });
    this.#expect(client, 'connack', undefined, clientId, will);
    return client;
  }

  async #subscribe(client: RawClient, filter: string): Promise<void> {
    const { id } = await client.subscribe([filter, 2]);
    this.#expect(client, 'suback', id, filter);
  }

  #expect(client: RawClient, type: PacketName, which: Expectation['which'], ...needs: (string | Received)[]): void {
    this.expectations.push({ clientPort: client.socket.localPort ?? 0, type, which, needs });
  }

  /** Some messages on their way at once; each second one of QoS 1 is retained. */
  async #publisher(online: RawClient, qos: 1 | 2, index: number): Promise<() => Promise<void>> {
    const clientId = `publisher-${index}`;
    const client = await this.#open(clientId, `the will of ${clientId}`);
    const send = (id: number): void => {
      // The packets of different publishers tell themselves apart.
      const payload = `payload ${id} of ${clientId}.`;
      client.sendPublish({ topic: `order/${index}`, payload, qos, id, retain: qos === 1 && id % 2 === 0 });
      if (qos === 1) this.#expect(client, 'puback', id, payload);
      else this.#expect(client, 'pubrec', id, payload, { clientId, packetId: id });
      // Its identifier must not be given again after a crash. At QoS 1 a delivery waits for nothing.
      if (qos === 2) this.#expect(online, 'publish', payload, payload);
    };
    return async () => {
      for (let id = 1; id <= WINDOW; id++) send(id);
      for (let id = 1; id <= MESSAGES; id++) {
        await client.find(qos === 1 ? 'puback' : 'pubrec', { id, code: 0 });
        if (qos === 2) client.send(ack('pubrel', id));
        if (qos === 2) await client.find('pubcomp', { id, code: 0 });
        if (id + WINDOW <= MESSAGES) send(id + WINDOW);
      }
    };
  }

  /** Each step waits for its answer, and nobody else does anything: no other transaction can be taken for its own. */
  async #beAlone(): Promise<void> {
    const client = await this.#open('alone', 'the will of the lonely');
    await client.subscribe(['alone', 2]);
    client.sendPublish({ topic: 'order/9', payload: 'alone', qos: 2, id: 9 });
    await client.find('pubrec', { id: 9 });
    client.send(ack('pubrel', 9));
    await client.find('pubcomp', { id: 9 });
    await client.unsubscribe('alone');
    const types = ['connack', 'suback', 'pubrec', 'pubcomp', 'unsuback'] as const;
    this.alone.push({ clientPort: client.socket.localPort ?? 0, types });
  }
}

/** Runs the load against a server and returns what left too early, a sentence each. */
async function tooEarly(durability: string): Promise<string[]> {
  const server = await TracedServer.start(durability);
  try {
    const load = new Load(server);
    await load.run();
    await server.stop();
    const transactions = server.transactions();
    const sessions = await sessionNumbers(server.data);
    const bytesOf = (need: string | Received): Buffer =>
      typeof need === 'string'
        ? Buffer.from(need)
        : new Key().received(sessions.get(need.clientId) ?? 0, need.packetId).copy();
    const found: string[] = [];
    for (const { clientPort, type, which, needs } of load.expectations) {
      const title = `${type} ${which ?? ''}`;
      const sent = server.sentTo(clientPort, 5).find(({ packet }) => packet.type === type && isIt(packet, which));
      assert.ok(sent !== undefined, `${title} was not seen to leave`);
      const first = needs.map((need) => firstWith(transactions, bytesOf(need)));
      if (new Set(first).size > 1) found.push(`${title}: what it stands for is not in one transaction`);
      const durable = Math.max(...first.map((transaction) => transaction?.durable ?? Number.POSITIVE_INFINITY));
      if (durable >= sent.began) found.push(`${title} left before ${JSON.stringify(needs)} was flushed`);
    }
    for (const { clientPort, types } of load.alone) found.push(...tooEarlyAlone(server, clientPort, types));
    return found;
  } finally {
    server.remove();
  }
}

function isIt(packet: Packet, which: Expectation['which']): boolean {
  if (which === undefined) return true;
  if (typeof which === 'number') return 'id' in packet && packet.id === which;
  return packet.type === 'publish' && Buffer.from(packet.payload).toString() === which;
}

/** The first one with these bytes: later ones only copy the page. */
function firstWith(transactions: readonly Transaction[], bytes: Buffer): Transaction | undefined {
  return transactions.find(({ pages }) => pages.some((page) => page.includes(bytes)));
}

async function sessionNumbers(directory: string): Promise<Map<string, number>> {
  const environment = await openLmdb({ directory, durability: 'durable' });
  const numbers = new Map<string, number>();
  for await (const { record } of environment.store.sessions()) numbers.set(record.clientId, record.number);
  await environment.close();
  return numbers;
}

function tooEarlyAlone(server: TracedServer, clientPort: number, types: readonly PacketName[]): string[] {
  const sent = server.sentTo(clientPort, 5);
  const answers = types.map((type) => {
    const answer = sent.find(({ packet }) => packet.type === type);
    assert.ok(answer !== undefined, `${type} was not seen to leave`);
    return answer;
  });
  return answers.slice(1).flatMap(({ packet, began }, index) => {
    const before = answers[index].ended;
    const isCovered = server.transactions().some((one) => one.began > before && one.durable < began);
    return isCovered ? [] : [`${packet.type} left and nothing was flushed for it`];
  });
}

const options = { skip: missing('strace'), timeout: 120_000 };

test('in durable no acknowledgement leaves before the flush of what it stands for', options, async () => {
  assert.deepEqual(await tooEarly('durable'), []);
});

test('in process all of them do, so that this test would see it', options, async () => {
  const found = await tooEarly('process');
  for (const type of ['connack', 'suback', 'puback', 'pubrec', 'publish', 'pubcomp', 'unsuback'])
    assert.ok(
      found.some((text) => text.startsWith(type)),
      `${type}: ${found.join('\n')}`,
    );
});
