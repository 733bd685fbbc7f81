/**
 * What strangers who pipeline HTTP do to a client of MQTT in the same process: its PINGREQ round trips, for each kind of
 * request. `npm run bench:stall [-- WORD ...] [--seconds 4] [--connections 50]`; a word is a part of the kinds' titles.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import * as net from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { KINDS, type Kind, type Ports } from './stall/kinds.ts';

/** MQTT 3.1.1, Clean Session, no Keep Alive, an empty Client Identifier. */
const CONNECT = Buffer.from([0x10, 12, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 0, 0, 0]);
const PINGREQ = Buffer.from([0xc0, 0]);
/** Between two pings, and before the first one, so that all strangers are there. */
const PAUSE_MS = 2;
const SETTLE_MS = 500;

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

function start(name: 'server' | 'load', ...words: readonly string[]): ChildProcess {
  const child = fork(join(import.meta.dirname, 'stall', `${name}.ts`), words, {
    execArgv: ['--conditions=@dunlin/source'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

/** Milliseconds of each round trip, in order of length. */
async function pingFor(socket: net.Socket, seconds: number): Promise<number[]> {
  const trips: number[] = [];
  const endMs = performance.now() + seconds * 1_000;
  while (performance.now() < endMs) {
    const sentMs = performance.now();
    socket.write(PINGREQ);
    await once(socket, 'data');
    trips.push(performance.now() - sentMs);
    await sleep(PAUSE_MS);
  }
  return trips.sort((a, b) => a - b);
}

/** What a child sends where it is asked. */
async function numberOf(child: ChildProcess): Promise<number> {
  child.send('ask');
  const [number] = await once(child, 'message');
  return number as number;
}

/** A new server for each kind: what one left behind, such as a ban, does not spare it the next. */
async function measure(kind: Kind | undefined, seconds: number, connections: string): Promise<void> {
  const server = start('server');
  const [ports] = (await once(server, 'message')) as [Ports];
  const socket = net.connect(ports.mqtt, '127.0.0.1').setNoDelay();
  socket.write(CONNECT);
  await once(socket, 'data');
  const port = kind?.isSecure ? ports.https : ports.http;
  const load = kind && start('load', String(port), kind.title, connections);
  await sleep(SETTLE_MS);
  const before = load === undefined ? 0 : await numberOf(load);
  await numberOf(server);
  const trips = await pingFor(socket, seconds);
  const answers = load === undefined ? 0 : (await numberOf(load)) - before;
  const at = (share: number): string => trips[Math.min(trips.length - 1, Math.floor(trips.length * share))].toFixed(1);
  const turnMs = (await numberOf(server)).toFixed(1);
  const cells = [at(0.5), at(0.99), at(1), turnMs, (answers / seconds).toFixed(0)].map((cell) => cell.padStart(9));
  console.log(`| ${[(kind?.title ?? 'nobody').padEnd(42), ...cells].join(' | ')} |`);
  socket.destroy();
  if (load !== undefined) await end(load);
  await end(server);
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: 'string', default: '4' }, connections: { type: 'string', default: '50' } },
});
const kinds = KINDS.filter(({ title }) => positionals.length === 0 || positionals.some((word) => title.includes(word)));
console.log(`| ${'what strangers send'.padEnd(42)} | median ms |    p99 ms |   longest |  CPU turn | answers/s |`);
console.log(`|${'-'.repeat(44)}|${'----------:|'.repeat(5)}`);
for (const kind of [undefined, ...kinds]) await measure(kind, Number(values.seconds), values.connections);
