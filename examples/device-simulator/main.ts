/**
 * A fleet of cameras and players in several processes, against a server on this machine: registered by the API, connected
 * with tokens over TCP and with certificates over TLS, kept connected, woken. See README.md.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Counts } from './device.ts';
import { type DeviceApi, openDeviceApi } from './device-api.ts';
import { groupOf, type SimulatedDevice } from './fleet.ts';
import { registerFleet } from './registration.ts';
import type { Share } from './worker.ts';

const { values } = parseArgs({
  options: {
    directory: { type: 'string' },
    cameras: { type: 'string', default: '4000' },
    players: { type: 'string', default: '4000' },
    certificates: { type: 'string', default: '500' },
    processes: { type: 'string', default: '4' },
    'connects-per-second': { type: 'string', default: '500' },
    'wakes-per-second': { type: 'string', default: '100' },
    'views-per-second': { type: 'string', default: '100' },
    seconds: { type: 'string', default: '60' },
    port: { type: 'string', default: '1883' },
    'tls-port': { type: 'string', default: '8883' },
    'api-port': { type: 'string', default: '8080' },
  },
});

function amount(name: Exclude<keyof typeof values, 'directory'>, least = 0): number {
  const value = Number(values[name]);
  if (Number.isInteger(value) && value >= least) return value;
  throw new Error(`Cannot use --${name} ${values[name]}: a whole number from ${least} is expected`);
}

/** Those that come with a certificate and those that come with a token, dealt out evenly. */
function sharesOf(devices: readonly SimulatedDevice[], processes: number): SimulatedDevice[][] {
  return Array.from({ length: processes }, (_, at) => devices.filter((_device, index) => index % processes === at));
}

/** Has all devices of a type woken again and again, so many a second. Ends with the signal. */
async function wake(
  api: DeviceApi,
  type: SimulatedDevice['type'],
  perSecond: number,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted && perSecond > 0) {
    const { id } = await api.post(`/groups/${groupOf(type)}/commands/wake`, { perSecond });
    let state: unknown = 'running';
    while (state === 'running' && !signal.aborted) {
      await sleep(1_000, undefined, { signal }).catch(() => {});
      ({ state } = await api.get(`/batches/${id}`));
    }
    if (state === 'running') await api.post(`/batches/${id}/cancel`);
  }
}

function sumOf(reports: ReadonlyMap<ChildProcess, Counts>): Counts {
  const sum: Counts = { connected: 0, connects: 0, failures: 0, commands: 0, views: 0 };
  for (const counts of reports.values())
    for (const name of Object.keys(sum) as (keyof Counts)[]) sum[name] += counts[name];
  return sum;
}

/** Prints states, and rates of the second before. */
function show(now: Counts, before: Counts, devices: number): void {
  const column = (value: number, width: number) => String(value).padStart(width);
  console.log(
    `${column(now.connected, 6)} of ${devices} connected ${column(now.connects - before.connects, 6)}/s  ` +
      `commands ${column(now.commands, 7)} ${column(now.commands - before.commands, 5)}/s  ` +
      `views ${column(now.views, 7)} ${column(now.views - before.views, 5)}/s  failures ${now.failures}`,
  );
}

const { directory } = values;
if (directory === undefined)
  throw new Error('Cannot begin: --directory DIR is expected, the one that dunlin init made');
const size = { cameras: amount('cameras'), players: amount('players'), certificates: amount('certificates') };
const [processes, wakesPerSecond, seconds] = [amount('processes', 1), amount('wakes-per-second'), amount('seconds')];
const api = await openDeviceApi(join(directory, 'data'), amount('api-port', 1));
const devices = await registerFleet(api, size, join(directory, 'device-simulator.json'));

const server = {
  port: amount('port', 1),
  tlsPort: amount('tls-port', 1),
  ca: readFileSync(join(directory, 'tls/ca.pem'), 'utf8'),
};
const over = new AbortController();
process.once('SIGINT', () => over.abort());
const reports = new Map<ChildProcess, Counts>();
const children = sharesOf(devices, processes).map((share) => {
  const child = fork(join(import.meta.dirname, 'worker.ts'), { execArgv: process.execArgv });
  child.on('message', (counts: Counts) => reports.set(child, counts));
  child.send({
    ...{ devices: share, server },
    connectsPerSecond: amount('connects-per-second', 1) / processes,
    viewsPerSecond: amount('views-per-second') / processes,
  } satisfies Share);
  return child;
});

const ended = children.map(async (child) => {
  await once(child, 'exit');
  if (over.signal.aborted) return;
  console.error('Cannot go on: a process with a part of the devices ended by itself');
  process.exitCode = 1;
  over.abort();
});
let before = sumOf(reports);
let [elapsed, isWaking] = [0, false];
const waking: Promise<void>[] = [];
while (!over.signal.aborted && (seconds === 0 || elapsed < seconds)) {
  await sleep(1_000, undefined, { signal: over.signal }).catch(() => {});
  const now = sumOf(reports);
  show(now, before, devices.length);
  before = now;
  elapsed += 1;
  if (isWaking || now.connected < devices.length) continue;
  isWaking = true;
  waking.push(
    ...(['camera', 'player'] as const).map((type) => wake(api, type, Math.ceil(wakesPerSecond / 2), over.signal)),
  );
}
over.abort();
await Promise.all(waking);
for (const child of children) if (child.connected) child.send('stop');
await Promise.all(ended);
console.log(
  `ended: ${before.connects} connections, ${before.commands} commands, ${before.views} views, ${before.failures} failures`,
);
