/** How many connections the open files of this process allow. */
import { closeSync, openSync, readSync } from 'node:fs';
import { devNull } from 'node:os';

/** Files of the process itself: standard streams, the event loop, name look-ups, what libraries open. */
const ownFiles = 64;
const backlogMin = 16;
const backlogMax = 1024;
const limitsBytesMax = 4096;

/** The soft limit of open files of this process, as it is now: it can be told also where no file is left to open. */
export class OpenFileLimit {
  /** Undefined where the system does not tell (not Linux). */
  readonly #file: number | undefined;

  constructor(limitsFile = '/proc/self/limits') {
    try {
      this.#file = openSync(limitsFile, 'r');
    } catch {}
  }

  /** Undefined where there is none, or nobody tells. */
  read(): number | undefined {
    if (this.#file === undefined) return undefined;
    const text = Buffer.alloc(limitsBytesMax);
    const bytes = readSync(this.#file, text, 0, limitsBytesMax, 0);
    // Node has raised the soft limit to the hard one already.
    const match = /^Max open files\s+(\d+)\s/m.exec(text.toString('latin1', 0, bytes));
    return match === null ? undefined : Number(match[1]);
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
  }
}

/** The lowest file descriptor that is free; infinite where none is left. */
export function lowestFreeDescriptor(): number {
  try {
    const descriptor = openSync(devNull, 'r');
    closeSync(descriptor);
    return descriptor;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** How many connections of a listener the system may hold that the broker has not taken yet. */
export function backlogFor(fileLimit: number | undefined): number {
  if (fileLimit === undefined) return backlogMax;
  return Math.min(backlogMax, Math.max(backlogMin, Math.floor(fileLimit / 20)));
}

/**
 * `connectionsMax`, lowered to what the files allow: less those of the process itself and the backlog of each of
 * `addresses`, since a connection that waits while accepting is paused holds a file too. At least 1.
 */
export function connectionsAllowed(connectionsMax: number, fileLimit: number | undefined, addresses: number): number {
  if (fileLimit === undefined) return connectionsMax;
  const reserve = ownFiles + addresses * backlogFor(fileLimit);
  return Math.max(1, Math.min(connectionsMax, fileLimit - reserve));
}
