/**
 * The last status of each player, over restarts and crashes: a file to which changes are added, and which is written anew with
 * one line for each player when it is opened. Players do not retain their status, so the broker has none to give back; what
 * they say while nobody reads waits in the session.
 */
import { type FileHandle, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Status } from './topics.ts';

interface Line {
  readonly player: string;
  readonly status: Status['status'];
}

export class PlayerStatuses {
  readonly #file: FileHandle;
  readonly #statuses: Map<string, Line['status']>;
  #writing: Promise<unknown> = Promise.resolve();

  /** Takes up what is in the folder, which must exist; one process has it at a time. */
  static async open(folder: string): Promise<PlayerStatuses> {
    const path = join(folder, 'statuses.jsonl');
    const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return '';
      throw error;
    });
    // A crash may have cut the last line: its message was not acknowledged, and comes again.
    const lines = text.split('\n').slice(0, -1);
    const statuses = new Map(
      lines.map((line) => JSON.parse(line) as Line).map(({ player, status }) => [player, status]),
    );
    const file = await open(`${path}.new`, 'w');
    await file.write(Array.from(statuses, ([player, status]) => lineOf(player, status)).join(''));
    await file.datasync();
    await rename(`${path}.new`, path);
    // Else a power cut could bring the former file back, without what is added to this one.
    const place = await open(folder);
    await place.sync();
    await place.close();
    return new PlayerStatuses(file, statuses);
  }

  private constructor(file: FileHandle, statuses: Map<string, Line['status']>) {
    this.#file = file;
    this.#statuses = statuses;
  }

  /** Settles when the status survives a power cut: true where it is another one than before. */
  async set(player: string, status: Line['status']): Promise<boolean> {
    const set = this.#writing.then(async () => {
      if (this.#statuses.get(player) === status) return false;
      await this.#file.write(lineOf(player, status));
      await this.#file.datasync();
      this.#statuses.set(player, status);
      return true;
    });
    this.#writing = set.catch(() => {});
    return await set;
  }

  /** Players with this status. */
  of(wanted: Line['status']): readonly string[] {
    return Array.from(this.#statuses).flatMap(([player, status]) => (status === wanted ? [player] : []));
  }

  async close(): Promise<void> {
    await this.#writing;
    await this.#file.close();
  }
}

function lineOf(player: string, status: Line['status']): string {
  return `${JSON.stringify({ player, status } satisfies Line)}\n`;
}
