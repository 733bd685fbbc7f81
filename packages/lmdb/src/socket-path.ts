/**
 * Unix sockets in a directory, however long its path is: a socket's path may have about 107 bytes. A longer one is reached
 * through `/proc/self/fd`, where there is that.
 */
import { closeSync, existsSync, openSync } from 'node:fs';
import { StoreError } from './store-error.ts';

/** Of a socket address, with the zero byte at its end; the least of the usual systems. */
const SOCKET_PATH_BYTES_MAX = 104;

/** A directory under a name that a socket's path has room for, until `free` is called. */
export interface SocketFolder {
  readonly folder: string;
  readonly free: () => void;
}

/**
 * The folder to put sockets into whose names have at most `nameBytes`.
 * @throws StoreError 'not-openable' where the path is too long and there is no other name for it
 */
export function socketFolder(directory: string, nameBytes: number): SocketFolder {
  // One for the slash; what is left must be less than the greatest length.
  if (Buffer.byteLength(directory) + 1 + nameBytes < SOCKET_PATH_BYTES_MAX)
    return { folder: directory, free: () => undefined };
  const file = openSync(directory, 'r');
  const folder = `/proc/self/fd/${file}`;
  if (existsSync(folder)) return { folder, free: () => closeSync(file) };
  closeSync(file);
  const found = Buffer.byteLength(directory);
  throw new StoreError(
    'not-openable',
    `Cannot put a socket into ${directory}: its path has ${found} bytes, expected are ${SOCKET_PATH_BYTES_MAX - nameBytes - 2} at the most`,
  );
}
