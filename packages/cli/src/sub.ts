/** `dunlin sub`: subscribes and prints messages until it is told to end. */

import { type Client, type CloseReason, describeReason, type ReceivedMessage } from '@dunlin/client';
import { visible } from '@dunlin/protocol';
import { connectTarget, targetOf } from './connecting.ts';
import { versionOf } from './connection-flags.ts';
import { CommandError, ExitCode } from './exit-codes.ts';
import { HeldWires } from './held-wires.ts';
import { MessageSelection } from './message-selection.ts';
import { reconnecting } from './reconnecting.ts';
import { withoutIdentifiers } from './shown-message.ts';
import { readSubFlags, type SubFlags } from './sub-flags.ts';
import { type MessageOutput, messageOutput } from './sub-output.ts';
import { Output, outputFailed, type Terminal } from './terminal.ts';

/** Why the command ends: an exit code, or the error to tell. */
type End = { readonly exitCode: number } | { readonly error: unknown };

/** How long the last messages that clear retained ones may take. */
const DRAIN_MS = 10_000;

/** Runs the command and returns its exit code. Rejects with what `failureOf` understands. */
export async function sub(argv: readonly string[], terminal: Terminal): Promise<number> {
  const flags = readSubFlags(argv, terminal.environment);
  const wires = new HeldWires();
  const output = new Output(terminal.output, wires);
  const interrupt = new AbortController();
  const ended = Promise.withResolvers<End>();
  const finish = (end: End): void => ended.resolve(end);
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
  let receiver: Receiver | undefined;
  try {
    receiver = new Receiver(flags, messageOutput(flags, terminal, output), finish);
    const client = await subscriber(flags, terminal, wires, interrupt.signal, receiver);
    isConnected = true;
    client.closed.then((reason) => finish(endOf(reason)));
    request(flags, client, terminal).then(
      () => flags.exitWhenSubscribed && finish({ exitCode: ExitCode.done }),
      (error) => finish({ error }),
    );
    const end = await ended.promise;
    wires.release();
    await receiver.removed();
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
    receiver?.end();
    output.flush();
  }
}

/** Connects a client that tells its ups and downs on the errors, one line each, and hands over what comes. */
async function subscriber(
  flags: SubFlags,
  terminal: Terminal,
  wires: HeldWires,
  signal: AbortSignal,
  receiver: Receiver,
): Promise<Client> {
  const tell = (text: string): void => {
    // The live view shows ages, which tell the same; a line would tear it.
    if (!flags.quiet && flags.output !== 'watch') terminal.errors.write(`dunlin sub: ${visible(text)}\n`);
  };
  const again = flags.reconnects ? reconnecting(tell) : { reconnect: false as const, on: {} };
  const target = targetOf(flags, terminal, wires);
  // Aliases are shown by formats, so none may come that nobody asked for.
  const aliases = versionOf(flags) === 5 ? { topicAliasMaximum: 0, ...target.options.properties } : {};
  const client = await connectTarget(target, {
    signal,
    properties: aliases,
    ...again,
    on: { ...again.on, message: (message) => receiver.take(message) },
  });
  receiver.client = client;
  return client;
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

/** Takes messages from the client, and says when there were enough. */
class Receiver {
  client: Client | undefined;
  readonly #output: MessageOutput;
  readonly #finish: (end: End) => void;
  readonly #selection: MessageSelection;
  readonly #areIdentifiersAsked: boolean;
  #removing = 0;

  constructor(flags: SubFlags, output: MessageOutput, finish: (end: End) => void) {
    this.#output = output;
    this.#finish = finish;
    this.#selection = new MessageSelection(flags);
    this.#areIdentifiersAsked = flags.properties.subscribe?.subscriptionIdentifiers !== undefined;
  }

  take(message: ReceivedMessage): void {
    const { isPrinted, isRemoved, isLast } = this.#selection.judge(message);
    if (isRemoved) this.#remove(message.topic);
    if (isPrinted) this.#output.take(this.#areIdentifiersAsked ? message : withoutIdentifiers(message));
    if (isLast) this.#finish({ exitCode: ExitCode.done });
  }

  /** Settles when the server has cleared what it was asked to, or does not answer. */
  async removed(): Promise<void> {
    if (this.#removing > 0) await this.client?.drain({ timeoutMs: DRAIN_MS }).catch(() => {});
  }

  end(): void {
    this.#output.end();
  }

  #remove(topic: string): void {
    this.#removing += 1;
    this.client
      ?.publish(topic, '', { retain: true, qos: 1 })
      .catch((error) => this.#finish({ error }))
      .finally(() => {
        this.#removing -= 1;
      });
  }
}

function endOf({ by, error }: CloseReason): End {
  return by === 'client' ? { exitCode: ExitCode.done } : { error };
}
