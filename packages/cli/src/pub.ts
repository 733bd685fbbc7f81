/** `dunlin pub`: connects, publishes what it was given, disconnects. */

import { setTimeout as wait } from 'node:timers/promises';
import { type Client, MqttError } from '@dunlin/client';
import { connectClient } from './connecting.ts';
import { failureOf } from './failure.ts';
import { readLines } from './lines.ts';
import { readPayload } from './payload.ts';
import { readPubFlags } from './pub-flags.ts';
import type { Terminal } from './terminal.ts';
import { visible } from './visible.ts';

type Flags = ReturnType<typeof readPubFlags>;

/** Runs the command and returns its exit code. Rejects with what `failureOf` understands. */
export async function pub(argv: readonly string[], terminal: Terminal): Promise<number> {
  const flags = readPubFlags(argv);
  const interrupt = new AbortController();
  const ignore = terminal.onInterrupt(() => interrupt.abort());
  try {
    // Read before connecting: a missing file must not look like a client that came and went.
    const payload = await readPayload(flags.source, terminal.input, interrupt.signal);
    if (interrupt.signal.aborted) return 0;
    const client = await connectClient(flags, terminal, { signal: interrupt.signal });
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
        if (!flags.quiet) terminal.errors.write(`dunlin pub: ${visible(failure.text, { lines: true })}\n`);
      })
      .finally(() => underWay.delete(publish));
    underWay.add(publish);
    if (underWay.size >= flags.underWayMax) await Promise.race(underWay);
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
  return error instanceof MqttError && error.code === 'refused';
}
