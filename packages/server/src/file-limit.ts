/** How many connections the open files of this process allow. */
import { readFileSync } from 'node:fs';

/** Files of the process itself: standard streams, the event loop, name look-ups, what libraries open. */
const ownFiles = 64;
const backlogMin = 16;
const backlogMax = 1024;

/** The soft limit of open files of this process, or undefined where it has none or does not tell (not Linux). */
export function openFileLimit(limitsFile = '/proc/self/limits'): number | undefined {
  let text: string;
  try {
    text = readFileSync(limitsFile, 'utf8');
  } catch {
    return undefined;
  }
  // Node has raised the soft limit to the hard one already.
  const match = /^Max open files\s+(\d+)\s/m.exec(text);
  return match === null ? undefined : Number(match[1]);
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
