/** Starts the compared brokers, each pinned to one core on a free loopback port, and ends every process it started. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../test/free-port.ts';
import { type BrokerName, type BrokerOptions, brokerKinds } from './broker-kinds.ts';

/** A running broker. */
export interface Broker {
  readonly name: BrokerName;
  readonly pid: number;
  readonly port: number;
  /** By name: `PORT`, and what else its kind takes. */
  readonly ports: Readonly<Record<string, number>>;
  /** Its own, with all that it writes; removed when it stops. */
  readonly folder: string;
  /** Settles when the process is gone: SIGTERM, and SIGKILL after half a minute. */
  stop(): Promise<void>;
}

const root = dirname(import.meta.dirname);
/** The broker has this core to itself, and mqload the other. */
export const brokerCore = 0;
/** Node does this by itself; so that all brokers may open as many connections. */
const raiseFileLimit = 'ulimit -n "$(ulimit -H -n)"';
const startTimeoutMs = 60_000;
/** A server that says of thousands of devices that they are gone, and then writes its profile, takes its time. */
const stopTimeoutMs = 30_000;
const children = new Set<ChildProcess>();
const folders = new Set<string>();

/** A new folder for a broker, which is removed when that stops, and with this process in any case. */
export function makeFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `dunlin-bench-${name}-`));
  folders.add(folder);
  return folder;
}

/** Starts a broker and resolves when it accepts connections; rejects with the end of its output when it does not. */
export async function startBroker(
  name: BrokerName,
  options: BrokerOptions = {},
  folder = makeFolder(name),
): Promise<Broker> {
  const kind = brokerKinds(options)[name];
  const ports: Record<string, number> = {};
  for (const each of ['PORT', ...(kind.ports ?? [])]) ports[each] = await freePort();
  const port = ports.PORT;
  const log = join(folder, 'log');
  await kind.prepare?.(folder);
  if (kind.configuration) writeFileSync(join(folder, 'broker.conf'), named(kind.configuration, { folder, ports }));
  const output = openSync(log, 'w');
  const command = `${raiseFileLimit}; ${kind.command}`;
  const child = spawn('taskset', ['--cpu-list', String(brokerCore), 'sh', '-c', command], {
    cwd: root,
    stdio: ['ignore', output, output],
    env: {
      ...process.env,
      PATH: [join(root, 'node_modules/.bin'), process.env.PATH].join(delimiter),
      PORT: String(port),
      FOLDER: folder,
      ...(name.startsWith('dunlin') && options.nodeOptions ? { NODE_OPTIONS: options.nodeOptions } : {}),
    },
  });
  closeSync(output);
  children.add(child);
  let failure: string | undefined;
  child.on('error', (error) => {
    failure = error.message;
  });
  const deadline = performance.now() + startTimeoutMs;
  while (!(await accepts(port))) {
    if (failure === undefined && child.exitCode === null && performance.now() < deadline) continue;
    const said = readFileSync(log, 'utf8').trimEnd().split('\n').slice(-8).join('\n');
    await stop(child, folder);
    throw new Error(`${name} does not listen on port ${port}: ${failure ?? kind.command}\n${said}`);
  }
  return { name, pid: child.pid ?? 0, port, ports, folder, stop: () => stop(child, folder) };
}

/** A text with the place and the ports of a broker in place of `$FOLDER`, `$PORT` and what its kind has beside them. */
export function named(text: string, { folder, ports }: Pick<Broker, 'folder' | 'ports'>): string {
  return text.replace(/\$([A-Z_]+)/g, (all, name) => (name === 'FOLDER' ? folder : String(ports[name] ?? all)));
}

/** Registers a process to be ended with this one. */
export function own(child: ChildProcess): ChildProcess {
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}

/** From now on every process started here ends with this one, however it ends. */
export function endChildrenOnExit(): void {
  process.on('exit', () => {
    for (const child of children) child.kill('SIGKILL');
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(130));
}

async function stop(child: ChildProcess, folder: string): Promise<void> {
  const gone = new Promise<void>((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) resolve();
    else child.once('exit', () => resolve());
  });
  child.kill('SIGTERM');
  const impatience = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
  await gone;
  clearTimeout(impatience);
  children.delete(child);
  rmSync(folder, { recursive: true, force: true });
  folders.delete(folder);
}

async function accepts(port: number): Promise<boolean> {
  const isOpen = await new Promise<boolean>((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
  if (!isOpen) await sleep(5);
  return isOpen;
}
