/** Reads the files that a configuration names, and says of one that cannot be read what it was to be and what is wrong. */
import { readFileSync, statSync } from 'node:fs';

/** A file cannot be read. The message holds nothing of it. */
export class NamedFileError extends Error {
  override readonly name = 'NamedFileError';
  readonly code = 'file-unreadable';

  constructor(path: string, what: string, fault: string) {
    super(`Cannot read ${what} from ${JSON.stringify(path)}: ${fault}`);
  }
}

/** Bytes of a file that says nothing else. */
const BYTES_MAX = 16_777_216;

/** Reads the whole file; `what` says in the error what it was to be. Throws `NamedFileError`. */
export function readNamedFile(path: string, what: string, bytesMax = BYTES_MAX): Buffer {
  try {
    const { size } = statSync(path);
    if (size > bytesMax) throw new NamedFileError(path, what, `it has ${size} bytes, at most ${bytesMax} are expected`);
    return readFileSync(path);
  } catch (error) {
    if (error instanceof NamedFileError) throw error;
    throw new NamedFileError(path, what, fileFault(path, error));
  }
}

/** What an error of the file system says of a file that was to be read. */
export function fileFault(path: string, error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  switch (code) {
    case 'ENOENT':
      return 'there is no such file';
    case 'EACCES':
      return notAllowed(path);
    case 'EISDIR':
      return 'it is a folder, a file is expected';
    default:
      return message;
  }
}

function notAllowed(path: string): string {
  const user = `user ${process.geteuid?.()}, as whom this process runs, may not read it`;
  try {
    const { uid, gid, mode } = statSync(path);
    const rights = (mode & 0o777).toString(8).padStart(4, '0');
    return `${user}: it belongs to user ${uid} and group ${gid} with mode ${rights}; give it to one of them that the process has`;
  } catch {
    return `${user}: a folder above it is closed to this user`;
  }
}
