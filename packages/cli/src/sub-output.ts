/** Where `dunlin sub` puts the messages: lines, a live view, or tables of rates. */

import { visible } from '@dunlin/protocol';
import { LiveScreen } from './live-screen.ts';
import { PayloadNotJson } from './message-json.ts';
import { RatesView } from './rates-view.ts';
import { screenOf } from './screen.ts';
import type { ShownMessage } from './shown-message.ts';
import { momentNow } from './strftime.ts';
import type { SubFlags } from './sub-flags.ts';
import { formatOf } from './sub-format.ts';
import type { Output, Terminal } from './terminal.ts';
import { TopicTable } from './topic-table.ts';
import { watchLines } from './watch-view.ts';

/** Takes messages as they come. */
export interface MessageOutput {
  take(message: ShownMessage): void;
  /** The last message was taken. */
  end(): void;
}

/** The output that the flags mean. Throws a usage error for a bad format. */
export function messageOutput(flags: SubFlags, terminal: Terminal, output: Output): MessageOutput {
  if (flags.ratesMs !== undefined) return ratesOutput(flags.ratesMs, output);
  const screen = screenOf(terminal);
  if (flags.output !== 'watch') return linesOutput(flags, terminal, output);
  // For a program a line each, with the topic.
  return screen.isTerminal ? watchOutput(terminal, output) : linesOutput({ ...flags, verbose: true }, terminal, output);
}

function linesOutput(flags: SubFlags, terminal: Terminal, output: Output): MessageOutput {
  const format = formatOf(flags, screenOf(terminal));
  return {
    take: (message) => {
      try {
        output.write(format(message, momentNow()));
      } catch (error) {
        if (!(error instanceof PayloadNotJson)) throw error;
        if (!flags.quiet) terminal.errors.write(`dunlin sub: ${visible(error.message)}\n`);
      }
    },
    end: () => {},
  };
}

function watchOutput(terminal: Terminal, output: Output): MessageOutput {
  const table = new TopicTable();
  const screen = screenOf(terminal);
  const live = new LiveScreen(screen, output, (columns, rows) =>
    watchLines(table, screen, { columns, rows, nowMs: performance.now() }),
  );
  return {
    take: (message) => {
      table.add(message, performance.now());
      live.changed();
    },
    // Where nothing came, as without a connection, there is nothing to leave behind.
    end: () => live.stop(table.messages > 0),
  };
}

function ratesOutput(intervalMs: number, output: Output): MessageOutput {
  const table = new TopicTable();
  const view = new RatesView(table, performance.now());
  const tell = (lines: readonly string[]): void => output.write(`${lines.join('\n')}\n`);
  // A table that nobody has room for is left out: its messages are in the next.
  const timer = setInterval(() => {
    if (!output.isFull) tell([...view.look(performance.now()), '']);
  }, intervalMs);
  return {
    take: (message) => table.add(message, performance.now()),
    end: () => {
      clearInterval(timer);
      tell(['In all', ...view.total(performance.now())]);
    },
  };
}
