/** `dunlin rr`: requests and their answers. */

import { availableParallelism } from 'node:os';
import { type Client, MqttError, type ReceivedMessage } from '@dunlin/client';
import { visible } from '@dunlin/protocol';
import { programAnswerer } from './answer-program.ts';
import { connectClient, PACKET_BYTES_MAX } from './connecting.ts';
import { CommandError, ExitCode } from './exit-codes.ts';
import { latencySummary, milliseconds } from './latencies.ts';
import { compileFormat } from './message-format.ts';
import { PayloadNotJson } from './message-json.ts';
import { readPayload } from './payload.ts';
import { reconnecting } from './reconnecting.ts';
import { type RrFlags, readRrFlags } from './rr-flags.ts';
import { momentNow } from './strftime.ts';
import { Output, outputFailed, type Terminal } from './terminal.ts';

type Flags = ReturnType<typeof readRrFlags>;

const TIMEOUT_MS = 30_000;
const PROGRAM_TIMEOUT_MS = 30_000;
/** Of the requests that programs have or will get: the largest packet, and room for others. */
const PROGRAM_INPUT_BYTES_MAX = 64 * 1024 * 1024;
const NO_MATCHING_SUBSCRIBERS = 0x10;

/** Runs the command and returns its exit code. Rejects with what `failureOf` understands. */
export async function rr(argv: readonly string[], terminal: Terminal): Promise<number> {
  const flags = readRrFlags(argv, terminal.environment);
  const interrupt = new AbortController();
  const { signal } = interrupt;
  const ignore = terminal.onInterrupt(() => interrupt.abort());
  const output = new Output(terminal.output);
  let outputError: Error | undefined;
  output.gone.then((error) => {
    outputError = error;
    interrupt.abort();
  });
  let exitCode: number = ExitCode.done;
  try {
    exitCode = await perform(flags, terminal, output, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    ignore();
    output.flush();
  }
  if (outputError !== undefined) throw outputFailed(outputError);
  return exitCode;
}

async function perform(flags: Flags, terminal: Terminal, output: Output, signal: AbortSignal): Promise<number> {
  // Read before connecting: a missing file must not look like a client that came and went.
  const payload = flags.source && (await readPayload(flags.source, terminal.input, signal));
  if (signal.aborted) return ExitCode.done;
  const tell = (text: string): void => {
    if (!flags.quiet) terminal.errors.write(`dunlin rr: ${visible(text)}\n`);
  };
  const client = await connectClient(flags, terminal, { signal, ...(flags.respond ? reconnecting(tell) : {}) });
  try {
    return flags.respond
      ? await answerAll(flags, client, payload, tell, signal)
      : await requestAll(flags, client, payload ?? new Uint8Array(0), output, terminal, signal);
  } finally {
    await client.disconnect({ properties: flags.properties.disconnect ?? {} });
  }
}

/** Sends the requests one after the other, so that each time is that of one alone. */
async function requestAll(
  flags: Flags,
  client: Client,
  payload: Uint8Array,
  output: Output,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  const { count = 1 } = flags;
  const print = printerOf(flags, output, terminal);
  const timesMs: number[] = [];
  let missing: unknown;
  for (let sent = 0; sent < count && !signal.aborted; sent++) {
    const startedMs = performance.now();
    try {
      const answer = await requestOne(flags, client, payload, signal);
      timesMs.push(performance.now() - startedMs);
      print(answer);
      await output.room(signal);
      if (flags.time) terminal.errors.write(`${milliseconds(timesMs[timesMs.length - 1])}\n`);
    } catch (error) {
      if (signal.aborted) break;
      if (!isUnanswered(error)) throw error;
      missing = error;
      // Nobody listens: the others would fare no better.
      if (error.code === 'refused') break;
    }
  }
  if (count > 1 && timesMs.length > 0) output.write(`${timesMs.length} answers: ${latencySummary(timesMs)}\n`);
  if (missing === undefined) return ExitCode.done;
  throw unanswered(missing as MqttError, client, count, timesMs.length);
}

function requestOne(flags: Flags, client: Client, payload: Uint8Array, signal: AbortSignal): Promise<ReceivedMessage> {
  const { topic, responseTopic, qos, timeoutMs = TIMEOUT_MS, properties } = flags;
  const answering = responseTopic === undefined ? {} : { responseTopic };
  return client.request<string>(topic, payload, {
    qos,
    timeoutMs,
    signal,
    properties: properties.publish ?? {},
    ...answering,
  });
}

function isUnanswered(error: unknown): error is MqttError {
  if (!(error instanceof MqttError)) return false;
  return error.code === 'timed-out' || (error.code === 'refused' && error.reasonCode === NO_MATCHING_SUBSCRIBERS);
}

function unanswered(error: MqttError, client: Client, count: number, answered: number): CommandError {
  const { responsesIgnored } = client.stats;
  const lines = [
    ...(count > 1 ? [`${answered} of ${count} requests were answered`] : []),
    error.message,
    ...(error.code === 'refused' ? ['Nobody subscribes to this topic: start who answers, or check -t.'] : []),
    ...(responsesIgnored > 0
      ? [`${responsesIgnored} messages came to the topic of the answer without the Correlation Data of the request.`]
      : []),
  ];
  return new CommandError(ExitCode.timedOut, lines.join('\n'));
}

function printerOf(flags: RrFlags, output: Output, terminal: Terminal): (answer: ReceivedMessage) => void {
  const { format, verbose, newline, pretty, count = 1 } = flags;
  if (count > 1 && format === undefined && !verbose) return () => {};
  const isTerminal = (terminal.output as Partial<NodeJS.WriteStream>).isTTY === true;
  const text = `${format ?? (verbose ? '%t %p' : '%p')}${newline ? '\\n' : ''}`;
  const formatted = compileFormat(text, { pretty, isTerminal });
  return (answer) => {
    try {
      output.write(formatted(answer, momentNow()));
    } catch (error) {
      if (!(error instanceof PayloadNotJson)) throw error;
      if (!flags.quiet) terminal.errors.write(`dunlin rr: ${visible(error.message)}\n`);
    }
  };
}

/** Answers until it is told to end, or `--count` answers were given. */
async function answerAll(
  flags: Flags,
  client: Client,
  payload: Uint8Array | undefined,
  tell: (text: string) => void,
  signal: AbortSignal,
): Promise<number> {
  const { topic, qos, responseTopic, count, timeoutMs } = flags;
  const ended = Promise.withResolvers<number>();
  const programs = new AbortController();
  const answer = answererOf(flags, payload, programs.signal);
  let answered = 0;
  const handler = async (request: ReceivedMessage): Promise<Uint8Array> => {
    const bytes = await answer(request);
    answered += 1;
    // Later: the answer goes out before.
    if (answered === count) setImmediate(ended.resolve, ExitCode.done);
    return bytes;
  };
  client.on('responderFailed', (error) => tell((error as Error).message));
  client.closed.then(({ error }) => (error === undefined ? ended.resolve(ExitCode.done) : ended.reject(error)));
  signal.addEventListener('abort', () => ended.resolve(ExitCode.done));
  const timer = timeoutMs === undefined ? undefined : setTimeout(ended.resolve, timeoutMs, ExitCode.timedOut);
  try {
    const options = { qos, ...(responseTopic === undefined ? {} : { responseTopic }) };
    await Promise.race([client.respond<string>(topic, handler, options), ended.promise]);
    return await ended.promise;
  } finally {
    clearTimeout(timer);
    programs.abort();
  }
}

/** What answers a request: its payload, one given before, or a program. */
function answererOf(
  { echo, command }: Flags,
  payload: Uint8Array = new Uint8Array(0),
  signal: AbortSignal,
): (request: ReceivedMessage) => Uint8Array | Promise<Uint8Array> {
  if (echo) return (request) => request.payload;
  if (command === undefined) return () => payload;
  const answer = programAnswerer(command, {
    programsMax: availableParallelism(),
    inputBytesMax: PROGRAM_INPUT_BYTES_MAX,
    timeoutMs: PROGRAM_TIMEOUT_MS,
    outputBytesMax: PACKET_BYTES_MAX,
    signal,
  });
  return (request) => answer(request.topic, request.payload);
}
