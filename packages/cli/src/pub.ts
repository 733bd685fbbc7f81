/** `dunlin pub`: connects, publishes what it was given, disconnects. */

import { setTimeout as wait } from 'node:timers/promises';
import { type Client, MqttError } from '@dunlin/client';
import { visible } from '@dunlin/protocol';
import { connectClient } from './connecting.ts';
import { CommandError, localError } from './exit-codes.ts';
import { failureOf } from './failure.ts';
import { readLines } from './lines.ts';
import { readPayload } from './payload.ts';
import { Progress } from './progress.ts';
import { readPubFlags } from './pub-flags.ts';
import { reconnecting } from './reconnecting.ts';
import type { Terminal } from './terminal.ts';

type Flags = ReturnType<typeof readPubFlags>;

/** Runs the command and returns its exit code. Rejects with what `failureOf` understands. */
export async function pub(argv: readonly string[], terminal: Terminal): Promise<number> {
  const flags = readPubFlags(argv, terminal.environment);
  const interrupt = new AbortController();
  const ignore = terminal.onInterrupt(() => interrupt.abort());
  try {
    // Read before connecting: a missing file must not look like a client that came and went.
    const payload = await readPayload(flags.source, terminal.input, interrupt.signal);
    if (interrupt.signal.aborted) return 0;
    if (payload !== undefined) checkPayload(flags, payload);
    const lasting = payload === undefined && flags.qos > 0 ? reconnecting((text) => tell(flags, terminal, text)) : {};
    const client = await connectClient(flags, terminal, { signal: interrupt.signal, ...lasting });
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

/** A line that the server refuses, or that is not JSON as it should be, is told, and the next one tried. */
async function publishLines(flags: Flags, client: Client, terminal: Terminal, signal: AbortSignal): Promise<number> {
  const underWay = new Set<Promise<void>>();
  const progress = new Progress(terminal.errors);
  let published = 0;
  let exitCode = 0;
  let fatal: unknown;
  let lines = 0;
  for await (const line of readLines(terminal.input, signal)) {
    const number = ++lines;
    const publish = publishOne(flags, client, line, signal)
      .then(() => {
        published += 1;
        if (flags.qos > 0 && !flags.quiet)
          progress.show(() => `${published} published, ${underWay.size - 1} under way`);
      })
      .catch((error) => {
        if (!isRefusal(error)) {
          fatal ??= error;
          return;
        }
        const failure = failureOf(error);
        exitCode = failure.exitCode;
        progress.clear();
        tell(flags, terminal, `line ${number}: ${failure.text}`);
      })
      .finally(() => underWay.delete(publish));
    underWay.add(publish);
    if (underWay.size >= flags.underWayMax) await Promise.race(underWay);
    if (fatal !== undefined) break;
  }
  await Promise.all(underWay);
  progress.clear();
  if (fatal !== undefined) throw fatal;
  return exitCode;
}

async function publishOne(flags: Flags, client: Client, payload: Uint8Array, signal: AbortSignal): Promise<void> {
  const { topic, qos, retain } = flags;
  checkPayload(flags, payload);
  await client.publish(topic, payload, { qos, retain, properties: flags.properties.publish ?? {}, signal });
}

/** With `--json` a payload must be JSON. Throws a local error that does not repeat it. */
function checkPayload({ json, topic }: Flags, payload: Uint8Array): void {
  if (!json) return;
  try {
    JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
  } catch {
    throw localError(`Cannot publish to "${topic}" with --json: the payload is not JSON`);
  }
}

function isRefusal(error: unknown): boolean {
  return error instanceof CommandError || (error instanceof MqttError && error.code === 'refused');
}

function tell({ quiet }: Flags, { errors }: Terminal, text: string): void {
  if (!quiet) errors.write(`dunlin pub: ${visible(text, { lines: true })}\n`);
}
