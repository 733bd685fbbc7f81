/**
 * The measured process of `npm run bench:client`: one client that publishes or receives, or many that are idle.
 *
 * `node bench/client-load.ts JSON`, the JSON being a `ClientLoad`; prints a `ClientFigures` as JSON. With `receive` it says
 * `ready` first, when it is subscribed; `bench/client-feed.ts` publishes to it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Connecting, type Level, type LibraryName, type LoadClient, openClient } from './client-libraries.ts';

/** What to measure. */
export interface ClientLoad extends Connecting {
  readonly library: LibraryName;
  readonly what: 'publish' | 'receive' | 'idle';
  readonly qos: Level;
  readonly seconds: number;
}

/** What was measured. */
export interface ClientFigures {
  /** CPU time of this process, all its threads, for each message; microseconds. */
  readonly cpuUs?: number;
  /** What of it was outside of the kernel. */
  readonly userUs?: number;
  readonly messagesPerSecond?: number;
  /** Resident memory for each idle client, with what the collector has not given back; kilobytes of 1000 bytes. */
  readonly residentKb?: number;
  /** What of it is in use by JavaScript and its buffers. */
  readonly usedKb?: number;
}

export const dataTopic = 'bench/client/data';
export const creditTopic = 'bench/client/credit';
/** The receiver tells the feed of so many messages at once. */
export const creditMessages = 500;
const payloadBytes = 64;
const windowMax = 500;
const warmupMs = 1000;
const idleClients = 1000;
/** Opened before the others, so that code, buffers and pages of the process which all share are not charged to them. */
const idleWarm = 1000;

async function publishing(client: LoadClient, qos: Level, count: () => void): Promise<void> {
  const payload = Buffer.alloc(payloadBytes, 'x');
  let underWay = 0;
  let isAsked = false;
  const done = (): void => {
    underWay -= 1;
    count();
    if (underWay > windowMax / 2 || isAsked) return;
    isAsked = true;
    setImmediate(fill);
  };
  const fill = (): void => {
    isAsked = false;
    while (underWay < windowMax) {
      underWay += 1;
      client.publish(dataTopic, payload, qos, done);
    }
  };
  fill();
}

async function receiving(client: LoadClient, qos: Level, count: () => void): Promise<void> {
  let received = 0;
  const credit = Buffer.alloc(1);
  await client.subscribe(dataTopic, qos, () => {
    count();
    received += 1;
    if (received % creditMessages === 0) client.publish(creditTopic, credit, 0, () => {});
  });
  console.log('ready');
}

async function messages({ library, what, qos, seconds, ...connecting }: ClientLoad): Promise<ClientFigures> {
  const client = await openClient[library](connecting);
  let counted = 0;
  const count = (): void => {
    counted += 1;
  };
  await (what === 'publish' ? publishing : receiving)(client, qos, count);
  while (counted === 0) await sleep(10);
  await sleep(warmupMs);
  const begun = { counted, cpu: process.cpuUsage(), ms: performance.now() };
  await sleep(seconds * 1000);
  const { user, system } = process.cpuUsage(begun.cpu);
  const done = counted - begun.counted;
  return {
    cpuUs: (user + system) / done,
    userUs: user / done,
    messagesPerSecond: (done * 1000) / (performance.now() - begun.ms),
  };
}

async function idle({ library, ...connecting }: ClientLoad): Promise<ClientFigures> {
  const clients: LoadClient[] = [];
  const open = async (count: number): Promise<{ resident: number; used: number }> => {
    for (let number = 0; number < count; number++) clients.push(await openClient[library](connecting));
    await sleep(500);
    for (let round = 0; round < 3; round++) global.gc?.();
    const { rss, heapUsed, external } = process.memoryUsage();
    return { resident: rss, used: heapUsed + external };
  };
  const before = await open(idleWarm);
  const after = await open(idleClients);
  return {
    residentKb: (after.resident - before.resident) / idleClients / 1000,
    usedKb: (after.used - before.used) / idleClients / 1000,
  };
}

if (import.meta.main) {
  const load = JSON.parse(process.argv[2]) as ClientLoad;
  const figures = load.what === 'idle' ? await idle(load) : await messages(load);
  console.log(JSON.stringify(figures));
  process.exit(0);
}
