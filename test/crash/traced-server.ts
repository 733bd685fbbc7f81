/** `dunlin serve` under strace: what it wrote to its data file and to its clients, in order. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type Packet, packetLength, parse } from '../conformance/parser.ts';
import type { Version } from '../conformance/wire.ts';
import { readSystemCalls, type SystemCall, straceCommand } from './system-calls.ts';

const MAIN = fileURLToPath(new URL('../../packages/cli/src/main.ts', import.meta.url));
const DATA_FILE_CALLS = ['openat', 'pwrite64', 'pwritev', 'fdatasync', 'fsync', 'msync'];
const SOCKET_CALLS = ['write', 'writev', 'sendto', 'sendmsg'];

/** A transaction of LMDB: its pages, and the write of the meta page that makes them count. */
export interface Transaction {
  readonly pages: readonly Buffer[];
  readonly began: number;
  /** When the flush of its pages and then the one of its meta page were over; Infinity where one is missing. */
  readonly durable: number;
}

/** A packet that the server sent. */
export interface SentPacket {
  readonly packet: Packet;
  /** Of the call that its first byte left with. */
  readonly began: number;
  readonly ended: number;
}

export class TracedServer {
  readonly port: number;
  /** The data directory, which is there until `remove`. */
  readonly data: string;
  readonly #folder: string;
  readonly #pid: number;
  readonly #strace: ChildProcess;
  #calls: readonly SystemCall[] = [];

  private constructor(folder: string, strace: ChildProcess, port: number, pid: number) {
    this.#folder = folder;
    this.data = join(folder, 'data');
    this.#strace = strace;
    this.port = port;
    this.#pid = pid;
  }

  /** Resolves when it takes connections. */
  static async start(durability: string): Promise<TracedServer> {
    const folder = mkdtempSync(join(tmpdir(), 'dunlin-traced-'));
    const serve = ['serve', '--port', '0', '--host', '127.0.0.1', '--log-to', 'stdout'];
    const program = [process.execPath, '--conditions=@dunlin/source', MAIN, ...serve];
    const storage = ['--data', join(folder, 'data'), '--durability', durability];
    const names = [...DATA_FILE_CALLS, ...SOCKET_CALLS];
    const [command, ...flags] = straceCommand(names, join(folder, 'record'), [...program, ...storage]);
    const strace = spawn(command, flags, { stdio: ['ignore', 'pipe', 'inherit'] });
    let port = 0;
    for await (const line of createInterface({ input: strace.stdout })) {
      const { event, address, pid } = JSON.parse(line);
      if (event === 'listening') port = Number(address.split(':')[1]);
      if (event !== 'started') continue;
      strace.stdout.resume();
      return new TracedServer(folder, strace, port, pid);
    }
    throw new Error('the server ended before it had started');
  }

  /** Stops it and reads what was written down. */
  async stop(): Promise<void> {
    const ended = once(this.#strace, 'exit');
    // Strace itself lets no signal through.
    process.kill(this.#pid, 'SIGTERM');
    await ended;
    this.#calls = await readSystemCalls(join(this.#folder, 'record'));
  }

  remove(): void {
    if (this.#strace.exitCode === null) process.kill(this.#pid, 'SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** In the order of their begin. */
  transactions(): Transaction[] {
    const found: Transaction[] = [];
    /** Descriptors whose writes flush themselves (O_DSYNC). */
    const flushing = new Set<number>();
    let pages: SystemCall[] = [];
    let flushes: SystemCall[] = [];
    for (const call of this.#calls) {
      const { name, bytes, parameters, result, descriptor } = call;
      if (name === 'openat' && result >= 0) {
        if (bytes.toString().endsWith('/data.mdb') && parameters.includes('O_DSYNC')) flushing.add(result);
        else flushing.delete(result);
      }
      if (!call.target.endsWith('/data.mdb')) continue;
      if (name.endsWith('sync')) flushes.push(call);
      else if (flushing.has(descriptor) || isMeta(call)) {
        found.push(transactionOf(pages, flushes, call, flushing.has(descriptor)));
        pages = [];
        flushes = [];
      } else pages.push(call);
    }
    return found;
  }

  /** What the server sent on the connection that a client had from this port, in order. */
  sentTo(clientPort: number, version: Version): SentPacket[] {
    const connection = `TCP:[127.0.0.1:${this.port}->127.0.0.1:${clientPort}]`;
    const writes = this.#calls.filter(
      ({ name, target, result }) => SOCKET_CALLS.includes(name) && target === connection && result > 0,
    );
    const all = Buffer.concat(writes.map(({ bytes, result }) => bytes.subarray(0, result)));
    const found: SentPacket[] = [];
    let write = 0;
    let end = 0;
    for (let start = 0; start < all.length; ) {
      while (start >= end + writes[write].result) end += writes[write++].result;
      const length = packetLength(all.subarray(start));
      if (length === 0) break;
      const { began, ended } = writes[write];
      found.push({ packet: parse(Buffer.from(all.subarray(start, start + length)), version), began, ended });
      start += length;
    }
    return found;
  }
}

/** Of a meta page only the 128 bytes that matter are written. */
function isMeta({ name, result }: SystemCall): boolean {
  return name === 'pwrite64' && result === 128;
}

function transactionOf(
  pages: readonly SystemCall[],
  flushes: readonly SystemCall[],
  meta: SystemCall,
  isFlushing: boolean,
): Transaction {
  const written = Math.max(0, ...pages.map(({ ended }) => ended));
  const isFlushed = flushes.some(({ began, ended, result }) => began > written && ended < meta.began && result === 0);
  return {
    pages: pages.map(({ bytes }) => bytes),
    began: pages[0]?.began ?? meta.began,
    durable: isFlushed && isFlushing ? meta.ended : Number.POSITIVE_INFINITY,
  };
}
