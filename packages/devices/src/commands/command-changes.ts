/**
 * The one way in which a stored command changes: what happens to it goes through the flow, one after the other for each
 * command, and is stored before anybody is told. Compare-and-set holds against whoever else may write the table.
 */
import { type Clock, RevisionConflict, type Table } from '@dunlin/broker';
import { Turns } from '../turns.ts';
import type { Command } from './command.ts';
import { type CommandEvent, follow } from './command-flow.ts';

/** Reads anew so often where somebody else wrote the command meanwhile. */
const ATTEMPTS_MAX = 5;

export interface CommandChangesOptions {
  readonly table: Table<Command>;
  readonly clock: Clock;
  /** Whether it is going out just now: what is stored does not say so yet. */
  readonly isOnItsWay: (id: string) => boolean;
  /** Called when a command is about to end, before that is stored: it must not go out from here on. */
  readonly ending: (command: Command) => void;
  /** Called when a change is stored. */
  readonly changed: (command: Command, event: CommandEvent) => void;
}

export class CommandChanges {
  readonly #options: CommandChangesOptions;
  readonly #turns = new Turns();

  constructor(options: CommandChangesOptions) {
    this.#options = options;
  }

  /** Settles when nothing is under way for the command that was so when asked; undefined where nothing is. */
  over(id: string): Promise<void> | undefined {
    return this.#turns.over(id);
  }

  /** Settles when no change is under way. */
  idle(): Promise<void> {
    return this.#turns.idle();
  }

  /**
   * Lets something happen to a command. Settles with the command as it then is, when that is durable; with undefined
   * where there is none of this id.
   * @throws what the table throws
   */
  apply(id: string, event: CommandEvent): Promise<Command | undefined> {
    return this.#turns.run(id, () => this.#change(id, event));
  }

  async #change(id: string, event: CommandEvent): Promise<Command | undefined> {
    const { table, clock, isOnItsWay, ending, changed } = this.#options;
    for (let attempt = 1; ; attempt++) {
      const record = await table.get(id);
      if (record === undefined) return undefined;
      const after = follow(record.value, event, clock.nowMs());
      if (after === undefined) return record.value;
      // Nothing is awaited from here to `ending`: from then on it does not go out.
      if (event.kind === 'superseded' && isOnItsWay(id)) return record.value;
      if (after.endedAtMs !== undefined) ending(after);
      try {
        await table.put(id, after, record.revision);
      } catch (error) {
        if (error instanceof RevisionConflict && attempt < ATTEMPTS_MAX) continue;
        throw error;
      }
      changed(after, event);
      return after;
    }
  }
}
