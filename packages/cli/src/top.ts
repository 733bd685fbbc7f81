/** `dunlin top`: what goes on at a server, live. */

import type { Client, ReceivedMessage } from '@dunlin/client';
import { connectClient, targetOf } from './connecting.ts';
import { ExitCode } from './exit-codes.ts';
import { LiveScreen } from './live-screen.ts';
import { reconnecting } from './reconnecting.ts';
import { screenOf } from './screen.ts';
import { SYS_BURST_MS, SYS_FILTER, SysMeter } from './sys-meter.ts';
import { Output, outputFailed, type Terminal } from './terminal.ts';
import { readTopFlags, type TopFlags } from './top-flags.ts';
import { stateLine, TOP_SORTS, type TopState, titleLine, topLines } from './top-view.ts';
import { TopicTable } from './topic-table.ts';

/** Lines between two rows of titles. */
const TITLES_EVERY = 20;
/** A server that has said nothing for so long after SUBACK has nothing retained under `$SYS`. */
const SYS_SILENT_MS = 2000;

/** Runs the command and returns its exit code. Rejects with what `failureOf` understands. */
export async function top(argv: readonly string[], terminal: Terminal): Promise<number> {
  const flags = readTopFlags(argv, terminal.environment);
  const output = new Output(terminal.output);
  const ended = Promise.withResolvers<void>();
  const interrupt = new AbortController();
  const stop = (): void => {
    interrupt.abort();
    ended.resolve();
  };
  const ignore = terminal.onInterrupt(stop);
  output.gone.then((error) => {
    if (error === undefined) stop();
    else ended.reject(outputFailed(error));
  });
  const watch = new Watch(flags, targetOf(flags, terminal).url.href);
  const { on, reconnect } = reconnecting((text) => watch.tell(text));
  let show: Shown | undefined;
  try {
    const client = await connectClient(flags, terminal, { signal: interrupt.signal, reconnect, on });
    client.closed.then(({ error }) => (error === undefined ? ended.resolve() : ended.reject(error)));
    show = screenOf(terminal).isTerminal
      ? liveShow(watch, terminal, output, stop)
      : lineShow(watch, flags, output, stop);
    try {
      await Promise.race([watch.subscribe(client, () => show?.changed()), ended.promise]);
      await ended.promise;
    } finally {
      await client.disconnect();
    }
    return ExitCode.done;
  } catch (error) {
    if (interrupt.signal.aborted) return ExitCode.done;
    throw error;
  } finally {
    ignore();
    watch.end();
    show?.end();
    output.flush();
  }
}

/** What is shown on some output. */
interface Shown {
  /** Something new is to be seen. */
  changed(): void;
  end(): void;
}

/** Gathers what is to be seen. */
class Watch {
  readonly meter = new SysMeter();
  readonly topics = new TopicTable();
  sort: TopState['sort'];
  readonly #flags: TopFlags;
  readonly #server: string;
  #burst: NodeJS.Timeout | undefined;
  #silence: NodeJS.Timeout | undefined;
  #sysTrouble: string | undefined;
  #connectionTrouble: string | undefined;

  constructor(flags: TopFlags, server: string) {
    this.#flags = flags;
    this.#server = server;
    this.sort = flags.sort;
  }

  get state(): TopState {
    const trouble = this.#connectionTrouble ?? this.#sysTrouble;
    const { meter, topics, sort } = this;
    const { filters } = this.#flags;
    return { server: this.#server, meter, trouble, filters, topics, sort, isPaused: false, nowMs: performance.now() };
  }

  /** The connection is lost, or there again. */
  tell(text: string): void {
    this.#connectionTrouble = text === 'Connected again' ? undefined : text;
  }

  /** Settles when the server has answered; rejects where it refuses the filters. `changed` hears of news. */
  async subscribe(client: Client, changed: () => void): Promise<void> {
    const { filters } = this.#flags;
    const onSys = (message: ReceivedMessage): void => {
      this.#takeSys(message);
      changed();
    };
    const sys = client.subscribe(SYS_FILTER, { qos: 0 }, onSys).then(
      () => {
        this.#silence = setTimeout(() => this.#tellSilence(changed), SYS_SILENT_MS);
      },
      (error: Error) => {
        this.#sysTrouble = error.message;
        changed();
      },
    );
    if (filters.length > 0) {
      await client.subscribe(filters, { qos: 0 }, (message) => {
        this.topics.add({ topic: this.#groupOf(message.topic), payload: message.payload }, performance.now());
        changed();
      });
    }
    await sys;
  }

  end(): void {
    clearTimeout(this.#burst);
    clearTimeout(this.#silence);
  }

  #takeSys({ topic, payload }: ReceivedMessage): void {
    if (this.meter.isKnown) this.#sysTrouble = undefined;
    if (!this.meter.take(topic, payload)) return;
    clearTimeout(this.#burst);
    this.#burst = setTimeout(() => this.meter.settle(), SYS_BURST_MS);
  }

  #tellSilence(changed: () => void): void {
    if (this.meter.isKnown) return;
    const { messages } = this.meter;
    this.#sysTrouble =
      messages === 0
        ? 'The server says nothing under $SYS: its own numbers are unknown'
        : `The server has no $SYS/broker: its ${messages} topics of $SYS are others`;
    changed();
  }

  #groupOf(topic: string): string {
    const { depth } = this.#flags;
    if (depth === undefined) return topic;
    const levels = topic.split('/');
    return levels.length > depth ? `${levels.slice(0, depth).join('/')}/…` : topic;
  }
}

/** The screen of a terminal and its keys. */
function liveShow(watch: Watch, terminal: Terminal, output: Output, stop: () => void): Shown {
  const screen = screenOf(terminal);
  let frozen: TopState | undefined;
  let frozenLines: readonly string[] | undefined;
  const live = new LiveScreen(screen, output, (columns, rows) => {
    if (frozen === undefined) return topLines(watch.state, screen, { columns, rows });
    frozenLines ??= topLines(frozen, screen, { columns, rows });
    return frozenLines;
  });
  const ignore = terminal.onKey?.((key) => {
    if (key === 'q' || key === '\u0003') stop();
    if (key === 's') watch.sort = TOP_SORTS[(TOP_SORTS.indexOf(watch.sort) + 1) % TOP_SORTS.length];
    if (key === 'p') {
      frozen = frozen === undefined ? { ...watch.state, isPaused: true } : undefined;
      frozenLines = undefined;
    }
    live.changed();
  });
  return {
    changed: () => live.changed(),
    end: () => {
      ignore?.();
      live.stop();
    },
  };
}

/** Lines, one for each interval. */
function lineShow(watch: Watch, { intervalMs, count }: TopFlags, output: Output, stop: () => void): Shown {
  let lines = 0;
  let seen = 0;
  let lookedMs = performance.now();
  let told: string | undefined;
  const timer = setInterval(() => {
    // A line that nobody has room for is left out: its messages are in the next.
    if (output.isFull) return;
    const { state } = watch;
    if (state.trouble !== told && state.trouble !== undefined) output.write(`# ${state.trouble}\n`);
    told = state.trouble;
    if (lines % TITLES_EVERY === 0) output.write(`${titleLine(state)}\n`);
    const seconds = (state.nowMs - lookedMs) / 1000;
    output.write(`${stateLine(state, (state.topics.messages - seen) / seconds)}\n`);
    seen = state.topics.messages;
    lookedMs = state.nowMs;
    lines += 1;
    if (lines === count) stop();
  }, intervalMs);
  return { changed: () => {}, end: () => clearInterval(timer) };
}
