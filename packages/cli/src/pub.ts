/** `dunlin pub`: connects, publishes what it was given, disconnects. */

import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { type Client, ClientError } from '@dunlin/client';
import { connectWithFlags } from './connecting.ts';
import { localError } from './exit-codes.ts';
import { failureOf } from './failure.ts';
import { readLines } from './lines.ts';
import { type PayloadSource, readPubFlags } from './pub-flags.ts';
import type { Terminal } from './terminal.ts';

type Flags = ReturnType<typeof readPubFlags>;

/** Publishes of `-l` under way at once; more lines are read when one of them is through. */
const UNDER_WAY_MAX = 1000;

/** Runs the command and returns its exit code. Rejects with what `failureOf` understands. */
export async function pub(argv: readonly string[], terminal: Terminal): Promise<number> {
  const flags = readPubFlags(argv);
  const interrupt = new AbortController();
  const ignore = terminal.onInterrupt(() => interrupt.abort());
  try {
    // Read before connecting: a missing file must not look like a client that came and went.
    const payload = await payloadOf(flags.source, terminal);
    const client = await connectWithFlags(flags, terminal, interrupt.signal);
    try {
      return await publishAll(flags, client, payload, terminal, interrupt.signal);
    } finally {
      // Refused or interrupted, it leaves in order: its will must not go out.
      await client.disconnect({ properties: flags.properties.disconnect ?? {} });
    }
  } catch (error) {
    if (interrupt.signal.aborted) return 0;
    throw error;
  } finally {
    ignore();
  }
}

/** The one payload, or undefined where each line is one. Rejects with a local error. */
async function payloadOf(source: PayloadSource, terminal: Terminal): Promise<Uint8Array | undefined> {
  switch (source.kind) {
    case 'text':
      return Buffer.from(source.text);
    case 'empty':
      return new Uint8Array(0);
    case 'lines':
      return undefined;
    case 'stdin':
      return allOf(terminal.input);
    case 'file':
      return readPayload(source.path);
  }
}

async function allOf(input: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of input) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Pipes and devices have no size to ask for, so they are read as streams. */
async function readPayload(path: string): Promise<Uint8Array> {
  try {
    return path.startsWith('/dev/') ? await allOf(createReadStream(path)) : await readFile(path);
  } catch (error) {
    throw localError(`Cannot read the payload from "${path}": ${(error as Error).message}`);
  }
}

/** Returns the exit code: that of the last refusal, 0 without one. */
async function publishAll(
  flags: Flags,
  client: Client,
  payload: Uint8Array | undefined,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  if (payload === undefined) return publishLines(flags, client, terminal, signal);
  for (let count = 1; count <= flags.repeat; count++) {
    await publishOne(flags, client, payload, signal);
    if (count < flags.repeat && flags.repeatDelayMs > 0) await wait(flags.repeatDelayMs, undefined, { signal });
  }
  return 0;
}

/** A line that the server refuses is told, and the next one tried. */
async function publishLines(flags: Flags, client: Client, terminal: Terminal, signal: AbortSignal): Promise<number> {
  const underWay = new Set<Promise<void>>();
  let exitCode = 0;
  let fatal: unknown;
  for await (const line of readLines(terminal.input, signal)) {
    const publish = publishOne(flags, client, line, signal)
      .catch((error) => {
        if (!isRefusal(error)) {
          fatal ??= error;
          return;
        }
        const failure = failureOf(error);
        exitCode = failure.exitCode;
        if (!flags.quiet) terminal.errors.write(`dunlin pub: ${failure.text}\n`);
      })
      .finally(() => underWay.delete(publish));
    underWay.add(publish);
    if (underWay.size >= UNDER_WAY_MAX) await Promise.race(underWay);
    if (fatal !== undefined) break;
  }
  await Promise.all(underWay);
  if (fatal !== undefined) throw fatal;
  return exitCode;
}

async function publishOne(flags: Flags, client: Client, payload: Uint8Array, signal: AbortSignal): Promise<void> {
  const { topic, qos, retain } = flags;
  await client.publish(topic, payload, { qos, retain, properties: flags.properties.publish ?? {}, signal });
}

function isRefusal(error: unknown): boolean {
  return error instanceof ClientError && error.code === 'refused';
}
