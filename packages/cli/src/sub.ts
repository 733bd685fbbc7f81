/** `dunlin sub`: subscribes and prints messages until it is told to end. */

import { type Client, type CloseReason, describeReason, type ReceivedMessage } from '@dunlin/client';
import { FilterTrie } from '@dunlin/protocol';
import { connectClient } from './connecting.ts';
import { CommandError, ExitCode, localError } from './exit-codes.ts';
import { PayloadNotJson } from './message-json.ts';
import { momentNow } from './strftime.ts';
import { formatOf, readSubFlags, type SubFlags } from './sub-flags.ts';
import { Output, type Terminal } from './terminal.ts';
import { visible } from './visible.ts';

/** Why the command ends: an exit code, or the error to tell. */
type End = { readonly exitCode: number } | { readonly error: unknown };

/** Runs the command and returns its exit code. Rejects with what `failureOf` understands. */
export async function sub(argv: readonly string[], terminal: Terminal): Promise<number> {
  const flags = readSubFlags(argv);
  const output = new Output(terminal.output);
  const interrupt = new AbortController();
  let finish = (_end: End): void => {};
  const ended = new Promise<End>((resolve) => {
    finish = resolve;
  });
  const ignore = terminal.onInterrupt(() => {
    interrupt.abort();
    finish({ exitCode: ExitCode.done });
  });
  output.gone.then((error) =>
    finish(error === undefined ? { exitCode: ExitCode.done } : { error: outputFailed(error) }),
  );
  let isConnected = false;
  let isTimeOver = false;
  const timer =
    flags.timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          isTimeOver = true;
          interrupt.abort();
          finish({ exitCode: ExitCode.timedOut });
        }, flags.timeoutMs);
  try {
    const printer = new Printer(flags, output, terminal, finish);
    const client = await connectClient(flags, terminal, {
      signal: interrupt.signal,
      on: { message: (message) => printer.take(message) },
    });
    printer.client = client;
    isConnected = true;
    client.closed.then((reason) => finish(endOf(reason)));
    request(flags, client, terminal).then(
      () => flags.exitWhenSubscribed && finish({ exitCode: ExitCode.done }),
      (error) => finish({ error }),
    );
    const end = await ended;
    await client.disconnect({ properties: flags.properties.disconnect ?? {} });
    if ('error' in end) throw end.error;
    return end.exitCode;
  } catch (error) {
    if (interrupt.signal.aborted && !isTimeOver) return ExitCode.done;
    if (!isTimeOver || isConnected) throw error;
    throw new CommandError(ExitCode.timedOut, `Cannot connect: the ${Number(flags.timeoutMs) / 1000} s of -W are over`);
  } finally {
    clearTimeout(timer);
    ignore();
    output.flush();
  }
}

/** Subscribes and unsubscribes; settles when the server has confirmed all of it. */
async function request(flags: SubFlags, client: Client, terminal: Terminal): Promise<void> {
  const { qos, noLocal, retainAsPublished, retainHandling, properties } = flags;
  if (flags.filters.length > 0) {
    const requests = flags.filters.map((filter) => ({ filter, noLocal: noLocal && !filter.startsWith('$share/') }));
    const options = { qos, retainAsPublished, retainHandling, properties: properties.subscribe ?? {} };
    // Messages are taken from the client as a whole: a session that goes on may bring others than these filters.
    const { results } = await client.subscribe(requests, options, () => {});
    for (const { filter, reasonCode } of results) {
      if (reasonCode < 0x80 || flags.quiet) continue;
      terminal.errors.write(`dunlin sub: Cannot subscribe to "${filter}": ${describeReason(reasonCode)}\n`);
    }
  }
  if (flags.unsubscribe.length > 0) {
    await client.unsubscribe(flags.unsubscribe, { properties: properties.unsubscribe ?? {} });
  }
}

/** Chooses and prints messages, and says when there were enough. */
class Printer {
  client: Client | undefined;
  readonly #flags: SubFlags;
  readonly #output: Output;
  readonly #terminal: Terminal;
  readonly #finish: (end: End) => void;
  readonly #format: ReturnType<typeof formatOf>;
  readonly #filteredOut = new FilterTrie<true>();
  #printed = 0;
  #isDone = false;

  constructor(flags: SubFlags, output: Output, terminal: Terminal, finish: (end: End) => void) {
    this.#flags = flags;
    this.#output = output;
    this.#terminal = terminal;
    this.#finish = finish;
    this.#format = formatOf(flags, (terminal.output as Partial<NodeJS.WriteStream>).isTTY === true);
    for (const filter of flags.filterOut) this.#filteredOut.add(filter, true);
  }

  take(message: ReceivedMessage): void {
    if (this.#isDone) return;
    const { retainedOnly, removeRetained, skipRetained, randomFilter, count } = this.#flags;
    if (retainedOnly && !message.retain) {
      this.#done();
      return;
    }
    if (this.#isFilteredOut(message.topic)) return;
    if (removeRetained && message.retain && message.payload.length > 0) this.#remove(message.topic);
    if (skipRetained && message.retain) return;
    if (randomFilter < 100 && Math.random() * 100 >= randomFilter) return;
    this.#print(message);
    this.#printed += 1;
    if (this.#printed === count) this.#done();
  }

  #done(): void {
    this.#isDone = true;
    this.#finish({ exitCode: ExitCode.done });
  }

  #isFilteredOut(topic: string): boolean {
    const found: true[] = [];
    this.#filteredOut.collect(topic, found);
    return found.length > 0;
  }

  #print(message: ReceivedMessage): void {
    try {
      this.#output.write(this.#format(message, momentNow()));
    } catch (error) {
      if (!(error instanceof PayloadNotJson)) throw error;
      if (!this.#flags.quiet) this.#terminal.errors.write(`dunlin sub: ${visible(error.message)}\n`);
    }
  }

  #remove(topic: string): void {
    const options = { retain: true, qos: 1 as const };
    this.client?.publish(topic, '', options).catch((error) => this.#finish({ error }));
  }
}

function endOf({ by, error }: CloseReason): End {
  return by === 'client' ? { exitCode: ExitCode.done } : { error };
}

function outputFailed(error: Error): Error {
  return localError(`Cannot write the output: ${error.message}`);
}
