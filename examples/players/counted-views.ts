/**
 * The views that were counted: a file with one line for each, and beside it the ids that were seen, so that a view counts once
 * however often it comes, also over a crash at any moment.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { openSeenIds, type SeenIds } from '@dunlin/client/node';
import type { View } from './topics.ts';

/** Longer than a player that is away keeps its views. */
const WINDOW_S = 30 * 86_400;
/** What may have been written and not remembered when a crash came: no more than messages are under way at once. */
const TAIL_BYTES = 65_536;

export class CountedViews {
  readonly #file: FileHandle;
  readonly #seen: SeenIds;
  #writing: Promise<unknown> = Promise.resolve();

  /** Takes up what is in the folder, which must exist; one process has it at a time. */
  static async open(folder: string): Promise<CountedViews> {
    const seen = await openSeenIds(join(folder, 'views.seen'), { windowS: WINDOW_S });
    const file = await open(join(folder, 'views.jsonl'), 'a+');
    const { size } = await file.stat();
    const start = Math.max(0, size - TAIL_BYTES);
    const tail = Buffer.alloc(size - start);
    await file.read(tail, 0, tail.length, start);
    // A crash may have cut the last line: its view comes again.
    const whole = tail.lastIndexOf('\n') + 1;
    await file.truncate(start + whole);
    const lines = tail
      .toString('utf8', 0, whole)
      .split('\n')
      .slice(start === 0 ? 0 : 1, -1);
    const counted = lines.map((line) => JSON.parse(line) as View & { readonly player: string });
    await Promise.all(counted.map((view) => seen.add(keyOf(view.player, view))));
    return new CountedViews(file, seen);
  }

  private constructor(file: FileHandle, seen: SeenIds) {
    this.#file = file;
    this.#seen = seen;
  }

  /** Counts a view unless it was. Settles when that survives a power cut: true where it counted. */
  async add(player: string, view: View): Promise<boolean> {
    // One after the other: of two copies that come together the second one finds the first.
    const added = this.#writing.then(async () => {
      if (this.#seen.has(keyOf(player, view))) return false;
      await this.#file.write(`${JSON.stringify({ player, ...view })}\n`);
      await this.#file.datasync();
      return await this.#seen.add(keyOf(player, view));
    });
    this.#writing = added.catch(() => {});
    return await added;
  }

  async close(): Promise<void> {
    await this.#writing;
    await this.#file.close();
    await this.#seen.close();
  }
}

/** The id is the player's own: nobody else can use it up. */
function keyOf(player: string, { view_id }: View): string {
  return `${player}/${view_id}`;
}
