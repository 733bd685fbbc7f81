/**
 * Dunlin's client beside MQTT.js: `npm run bench:client [-- --runs 3] [--duration 2] [--mqtt5] [--row publish]… [--broker
 * mosquitto]…`. Prints each run; a comparison of all rows writes RESULTS-CLIENT.md.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { type BrokerName, brokerKinds, selectBrokers } from './broker-kinds.ts';
import { type Broker, brokerCore, endChildrenOnExit, own, startBroker } from './brokers.ts';
import { type LibraryName, libraryNames } from './client-libraries.ts';
import type { ClientFigures, ClientLoad } from './client-load.ts';
import { type ClientRow, type ClientRuns, clientRows, clientTable } from './client-rows.ts';
import { formatNumber } from './report.ts';

const root = join(import.meta.dirname, '..');
/** The measured client has this core, the broker and the feed the other. */
const clientCore = 1;

/**
 * How an idle client is measured: a process that opens a thousand has V8 let the young generation grow by up to 32 MB, more
 * than the clients take, and by how much is chance.
 */
const idleFlags = ['--expose-gc', '--max-semi-space-size=1'];

/** Starts a script of this folder on a core. */
function start(core: number, script: string, argv: readonly string[], flags: readonly string[] = []) {
  const node = [process.execPath, '--conditions=@dunlin/source', ...flags, join('bench', script), ...argv];
  const pinned = ['--cpu-list', String(core), ...node];
  return own(spawn('taskset', pinned, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] }));
}

async function measureOnce(row: ClientRow, library: LibraryName, broker: Broker): Promise<ClientFigures> {
  const { what, qos } = row;
  const load: ClientLoad = { library, what, qos, port: broker.port, version, seconds };
  const flags = what === 'idle' ? idleFlags : [];
  const client = start(clientCore, 'client-load.ts', [JSON.stringify(load)], flags);
  let feed: ReturnType<typeof start> | undefined;
  let figures: ClientFigures | undefined;
  try {
    if (client.stdout === null) throw new Error('the client has no output');
    for await (const line of createInterface({ input: client.stdout })) {
      if (line === 'ready') feed = start(brokerCore, 'client-feed.ts', [String(broker.port), String(qos)]);
      else figures = JSON.parse(line) as ClientFigures;
    }
  } finally {
    client.kill('SIGKILL');
    feed?.kill('SIGKILL');
    if (feed !== undefined && feed.exitCode === null) await once(feed, 'exit');
  }
  if (figures === undefined) throw new Error(`${library}: ${what} at QoS ${qos} against ${broker.name} failed`);
  return figures;
}

async function measureRow(row: ClientRow): Promise<ClientRuns> {
  const runs: Record<LibraryName, ClientFigures[]> = { dunlin: [], mqttjs: [] };
  for (let run = 0; run < Number(values.runs); run++) {
    for (const library of libraryNames) {
      const broker = await startBroker(row.broker);
      try {
        const figures = await measureOnce(row, library, broker);
        runs[library].push(figures);
        const shown = Object.entries(figures).map(([key, value]) => `${key} ${formatNumber(value)}`);
        console.log(`${row.what} ${row.qos} ${row.broker} ${library}: ${shown.join('  ')}`);
      } finally {
        await broker.stop();
      }
    }
  }
  return runs;
}

function page(table: string): string {
  const kinds = brokerKinds();
  const versionOf = (path: string): string => JSON.parse(readFileSync(join(root, path), 'utf8')).version;
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim();
  const own = `Dunlin ${versionOf('packages/client/package.json')} (${commit})`;
  return `# Dunlin's client beside MQTT.js

\`npm run bench:client -- --runs ${values.runs} --duration ${values.duration}${values.mqtt5 ? ' --mqtt5' : ''}\`: medians of ${values.runs} runs of ${values.duration} s each.
${own}, MQTT.js ${versionOf('node_modules/mqtt/package.json')}, Node ${process.versions.node}, MQTT ${values.mqtt5 ? '5.0' : '3.1.1'}, Mosquitto ${kinds.mosquitto.version()};
${cpus().length} cores of ${cpus()[0].model}. The client has one core, the broker the other.

${table}

The figure to compare is the CPU time of the client's process, all its threads, for each message: messages a second also
depend on the broker, which sets the pace where it is the slower one. Payloads are 64 bytes. "user µs" is what of that time was
spent outside of the kernel: Mosquitto sends each packet by itself, so that a client which is faster than it is woken, and
reads, for each packet, and that costs both clients the same.

- **publish**: one client with up to 500 messages under way, to one topic that nobody has subscribed to. Each publish is watched
  until it is done: by its promise (Dunlin), by its callback (MQTT.js, where that costs less than a promise).
- **receive**: one client with a handler; another process publishes to it, at most 2,000 messages ahead. Every 500 messages it
  publishes one at QoS 0, which paces the other process.
- **idle clients**: memory of one process for each of 1,000 clients with a Keep Alive of 60 s, after garbage collection, beyond
  1,000 clients that were there before. What is used is the heap and what buffers hold; what is resident has beside it what
  the collector keeps for later, and lacks what finds room in pages that were there. The young generation is kept at 1 MB
  (\`--max-semi-space-size=1\`), since how far it grows while clients are opened is chance and is more than they take.
`;
}

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '3' },
    duration: { type: 'string', default: '2' },
    mqtt5: { type: 'boolean', default: false },
    row: { type: 'string', multiple: true, default: [] },
    broker: { type: 'string', multiple: true, default: ['mosquitto', 'dunlin-memory'] },
  },
});
const version = values.mqtt5 ? 5 : 4;
const seconds = Number(values.duration);
endChildrenOnExit();
const brokers: BrokerName[] = selectBrokers(values.broker);
const rows = clientRows(brokers).filter(({ what, qos }) =>
  values.row.length === 0 ? true : values.row.some((name) => `${what}-q${qos}`.startsWith(name)),
);
const measured: [ClientRow, ClientRuns][] = [];
for (const row of rows) measured.push([row, await measureRow(row)]);
const table = clientTable(measured);
if (values.row.length === 0) writeFileSync(join(import.meta.dirname, 'RESULTS-CLIENT.md'), page(table));
console.log(`\n${table}`);
