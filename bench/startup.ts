/**
 * How long Dunlin takes to start with what it has stored: `npm run bench:startup [-- --runs 3] [--share 0.01]`.
 *
 * From the start of the process to the first CONNACK, and the memory it holds then. The file was written just before, so
 * it lies in the page cache. Each run ends with a proof that the state was there: a session that resumes, its queue or a
 * retained message that comes.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Client, connect } from '@dunlin/client';
import { type Broker, endChildrenOnExit, makeFolder, startBroker } from './brokers.ts';
import { clientIdOf, retainedTopicOf, type StoredState, scaled, storedStates, writeState } from './stored-states.ts';

interface Start {
  /** From the start of the process to CONNACK. */
  readonly ms: number;
  /** Memory of the process itself, and pages of the data file that it has mapped. */
  readonly ownMiB: number;
  readonly mappedMiB: number;
}

const proofMs = 10_000;

async function measureStart(state: StoredState): Promise<Start> {
  const folder = makeFolder('startup');
  await writeState(folder, state);
  const begin = performance.now();
  const broker = await startBroker('dunlin', {}, folder);
  try {
    const client = await connect(`mqtt://127.0.0.1:${broker.port}`);
    const ms = performance.now() - begin;
    const memory = memoryOf(broker.pid);
    await prove(state, broker, client);
    await client.disconnect();
    return { ms, ...memory };
  } finally {
    await broker.stop();
  }
}

function memoryOf(pid: number): Omit<Start, 'ms'> {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const mebibytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024;
  return { ownMiB: mebibytes('RssAnon'), mappedMiB: mebibytes('RssFile') };
}

/** Throws where the server does not have the last of what was written. */
async function prove(state: StoredState, broker: Broker, client: Client): Promise<void> {
  if (state.retained > 0) {
    const topic = retainedTopicOf(state.retained - 1);
    const messages = await client.subscribe(topic);
    await within(messages[Symbol.asyncIterator]().next(), `the retained message of ${topic}`);
  }
  if (state.sessions === 0) return;
  const clientId = clientIdOf(state.sessions);
  const queued = Promise.withResolvers<void>();
  let received = 0;
  const owner = await connect(`mqtt://127.0.0.1:${broker.port}`, {
    clientId,
    cleanStart: false,
    properties: { sessionExpiryInterval: 0xffffffff },
    on: { message: () => ++received === state.queuedEach && queued.resolve() },
  });
  if (!owner.connack?.sessionPresent) throw new Error(`The session of ${clientId} was stored and is not there`);
  if (state.queuedEach > 0) await within(queued.promise, `the ${state.queuedEach} messages queued for ${clientId}`);
  await owner.disconnect();
}

function within<T>(promise: Promise<T>, what: string): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`Not delivered within ${proofMs} ms: ${what}`)), proofMs);
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

function middle(starts: readonly Start[]): Start {
  return starts.toSorted((a, b) => a.ms - b.ms)[starts.length >> 1];
}

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '3' }, share: { type: 'string', default: '1' } },
});
endChildrenOnExit();
const share = Number(values.share);
console.log('| stored                           | CONNACK after, ms | own memory, MiB | mapped, MiB |');
console.log('|----------------------------------|------------------:|----------------:|------------:|');
for (const state of storedStates) {
  const starts: Start[] = [];
  for (let run = 0; run < Number(values.runs); run++) starts.push(await measureStart(scaled(state, share)));
  const { ms, ownMiB, mappedMiB } = middle(starts);
  const cells = [ms.toFixed(0).padStart(17), ownMiB.toFixed(0).padStart(15), mappedMiB.toFixed(0).padStart(11)];
  console.log(`| ${[state.title.padEnd(32), ...cells].join(' | ')} |`);
}
if (share !== 1) console.log(`\nOf sessions and retained messages only ${100 * share} %.`);
