/** Puts a new text in the place of a file, whole or not at all. */
import {
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';

/** A new file is its owner's alone. */
const MODE_NEW = 0o600;
/** What others may do with a file of secrets is nothing, whatever it was before. */
const MODE_MASK = 0o770;

/**
 * Writes the text beside the file, flushes it and gives it the file's name; a symbolic link stays and what it leads to is
 * replaced. Owner, group and their rights stay, so that a server under another user can read what root wrote; a new
 * file has mode 0600. Throws what the file system says and leaves the file as it was.
 */
export function replaceFile(file: string, text: string): void {
  const former = statSync(file, { throwIfNoEntry: false });
  const target = former === undefined ? file : realpathSync(file);
  const unready = `${target}.${process.pid}.new`;
  // What is there under that name already is somebody else's, and stays.
  const opened = openSync(unready, 'wx', MODE_NEW);
  try {
    try {
      writeFileSync(opened, text);
      if (former !== undefined) {
        fchownSync(opened, former.uid, former.gid);
        fchmodSync(opened, former.mode & MODE_MASK);
      }
      fsyncSync(opened);
    } finally {
      closeSync(opened);
    }
    renameSync(unready, target);
  } catch (error) {
    rmSync(unready, { force: true });
    throw error;
  }
  flushNames(dirname(target));
}

/** The new name survives a power cut as well. */
function flushNames(directory: string): void {
  // Windows opens no directories, and keeps names by itself.
  if (process.platform === 'win32') return;
  const opened = openSync(directory, 'r');
  try {
    fsyncSync(opened);
  } finally {
    closeSync(opened);
  }
}
