/**
 * Kills a server again and again under load, and compares what publishers were promised with what subscribers got.
 *
 * Two publishers at QoS 1 and two at QoS 2 (one of each with RETAIN), durable subscribers that are mostly connected and
 * durable subscribers that mostly are not, and clients with wills whose connections end with the server.
 */
import { Publisher } from './publisher.ts';
import { type ServerKind, ServerProcess } from './server-process.ts';
import { Subscriber } from './subscriber.ts';
import { judge, type Verdict } from './verdict.ts';
import { WILL_TOPIC, WillClient } from './will-client.ts';

export interface CrashRunOptions {
  readonly kind: ServerKind;
  readonly kills: number;
  /** Messages that each publisher may send between two kills. */
  readonly messagesPerKill: number;
  /** Milliseconds of load before a kill, chosen between. */
  readonly loadMs: readonly [number, number];
  readonly random: () => number;
  readonly progress?: (kill: number, acknowledged: number) => void;
}

export interface CrashResult extends Verdict {
  readonly kills: number;
  /** Milliseconds from the start of the process to its first connection, the median. */
  readonly startMs: number;
}

const WINDOW = 50;
/** Every so many kills the absent subscribers come for a while. */
const VISIT_EVERY = 5;
const DRAIN_QUIET_MS = 1_500;
const DRAIN_LIMIT_MS = 120_000;

export async function crashRun(options: CrashRunOptions): Promise<CrashResult> {
  const server = await ServerProcess.create(options.kind);
  const { port } = server;
  const publishers = (['1', '2', '1r', '2r'] as const).map(
    (name) =>
      new Publisher({
        port,
        clientId: `publisher-${name}`,
        topic: `crash/${name}`,
        qos: name.startsWith('1') ? 1 : 2,
        retain: name.endsWith('r'),
        window: WINDOW,
      }),
  );
  const filters = ['crash/+'];
  const online = ([1, 2] as const).map((qos) => new Subscriber({ port, clientId: `online-${qos}`, filters, qos }));
  const offline = ([1, 2] as const).map((qos) => new Subscriber({ port, clientId: `offline-${qos}`, filters, qos }));
  const willClients = ['a', 'b'].map((name) => new WillClient({ port, clientId: `will-${name}` }));
  const everybody = [...publishers, ...online, ...offline, ...willClients];
  const startTimes: number[] = [];
  const start = async () => {
    const beganAtMs = performance.now();
    await server.start();
    startTimes.push(performance.now() - beganAtMs);
  };
  try {
    await start();
    for (const subscriber of [...online, ...offline]) {
      await subscriber.connect();
      await subscriber.whenSubscribed;
    }
    for (const subscriber of offline) subscriber.drop();
    for (let kill = 1; kill <= options.kills; kill++) {
      const isVisit = kill % VISIT_EVERY === 0;
      const present = [...online, ...(isVisit ? offline : []), ...willClients, ...publishers];
      // Who is not let in before the kill tries again after it.
      const connecting = present
        .filter((client) => !client.isConnected)
        .map((client) => client.connect().catch(() => 0));
      for (const publisher of publishers) publisher.publish(options.messagesPerKill);
      const [least, most] = options.loadMs;
      await pause(least + (most - least) * options.random());
      await server.kill();
      await Promise.all(connecting);
      for (const client of everybody) client.drop();
      await start();
      options.progress?.(
        kill,
        publishers.reduce((sum, { acknowledged }) => sum + acknowledged.length, 0),
      );
    }
    const retained = await finish(publishers, [...online, ...offline], port);
    return {
      ...judge(publishers, [...online, ...offline], willClients, retained),
      kills: options.kills,
      startMs: median(startTimes),
    };
  } finally {
    for (const client of everybody) client.drop();
    await server.remove();
  }
}

/** Everybody finishes what is unfinished; then a newcomer asks for what is retained. */
async function finish(
  publishers: readonly Publisher[],
  subscribers: readonly Subscriber[],
  port: number,
): Promise<ReadonlyMap<string, string>> {
  for (const publisher of publishers) publisher.pause();
  for (const client of [...publishers, ...subscribers]) await client.connect();
  await settled(() => publishers.every(({ unfinished }) => unfinished === 0));
  await quiet(subscribers);
  const newcomer = new Subscriber({
    port,
    clientId: 'newcomer',
    filters: ['crash/+'],
    qos: 0,
    sessionExpiryInterval: 0,
  });
  await newcomer.connect();
  await newcomer.whenSubscribed;
  await quiet([newcomer]);
  newcomer.drop();
  return new Map(newcomer.arrivals.filter(({ topic }) => topic !== WILL_TOPIC).map(({ topic, text }) => [topic, text]));
}

/** Resolves when nothing has come for a while. */
async function quiet(subscribers: readonly Subscriber[]): Promise<void> {
  let before = -1;
  let quietSinceMs = performance.now();
  await settled(() => {
    const now = subscribers.reduce((sum, { arrivals }) => sum + arrivals.length, 0);
    if (now !== before) quietSinceMs = performance.now();
    before = now;
    return performance.now() - quietSinceMs >= DRAIN_QUIET_MS;
  });
}

async function settled(isDone: () => boolean): Promise<void> {
  const giveUpAt = performance.now() + DRAIN_LIMIT_MS;
  while (!isDone()) {
    if (performance.now() > giveUpAt) throw new Error('the server does not finish what was begun');
    await pause(20);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}
