/** The directory a store lies in: made for its owner alone, checked before LMDB maps the file, and measured. */
import { accessSync, closeSync, constants, mkdirSync, openSync, readSync, statSync, truncateSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { StoreError } from './store-error.ts';

const DIRECTORY_MODE = 0o700;

/** The database in a data directory; LMDB keeps its reader table beside it under this name and "-lock". */
export function dataFile(directory: string): string {
  return join(directory, 'data.mdb');
}

/** Makes the directory where there is none, for its owner alone. @throws StoreError 'not-openable' */
export function prepareDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: DIRECTORY_MODE });
    accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw notOpenable(directory, `${reasonOf(error)}; it must be a directory that this user may write to`, error);
  }
  for (const path of [dataFile(directory), `${dataFile(directory)}-lock`]) checkFile(directory, path);
}

/** LMDB says of such a file no more than that it cannot be opened. */
function checkFile(directory: string, path: string): void {
  try {
    if (statSync(path, { throwIfNoEntry: false })?.isFile() === false) throw new Error(`${path} is no file`);
    accessSync(path, constants.R_OK | constants.W_OK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw notOpenable(directory, `${reasonOf(error)}; it must be a file that this user may read and write`, error);
  }
}

/** Bytes that this user may still write on the file system of the directory. */
export async function freeBytes(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize;
}

/** Offsets in a meta page, behind its page header; a file has two, one behind the other. */
const Meta = { magic: 0, pageSize: 24, lastPage: 120, bytes: 144 } as const;
const META_MAGIC = 0xbeefc0de;
/** A file may lack what LMDB took and gave back; what lacks more than this is not made as long as it says it is. */
const LENGTH_FACTOR_MAX = 1_000;
const LENGTH_SLACK_BYTES = 64 * 1024 ** 2;
/** Page headers of the format that lmdb 3 writes. */
const PAGE_HEADER_BYTES = 24;
const PAGE_BYTES_MIN = 256;
const PAGE_BYTES_MAX = 65_536;

/**
 * Looks at a file before LMDB maps it. Returns whether all its pages are there; where some are not, it is made as long
 * as it should be: to read beyond its end would end the process by a signal, a page of zeros is an error that can be
 * told. (LMDB itself leaves pages at the end out that it took and gave back, so a short file may be sound.)
 * @throws StoreError 'damaged' where it is no file of LMDB
 */
export function checkDataFile(path: string): boolean {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size === 0) return true;
  const metas = readMetas(path);
  if (metas.length === 0)
    throw new StoreError(
      'damaged',
      `Cannot open ${path}: its ${size} bytes do not begin as a file of LMDB does; restore a backup`,
    );
  const expected = Math.max(...metas.map(({ lastPage, pageSize }) => (lastPage + 1) * pageSize));
  if (size >= expected) return true;
  if (expected > size * LENGTH_FACTOR_MAX + LENGTH_SLACK_BYTES)
    throw new StoreError(
      'damaged',
      `Cannot open ${path}: it says that it has ${expected} bytes, there are ${size}; restore a backup`,
    );
  truncateSync(path, expected);
  return false;
}

function readMetas(path: string): { lastPage: number; pageSize: number }[] {
  const file = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(2 * 65_536);
    const length = readSync(file, bytes, 0, bytes.length, 0);
    const first = metaAt(bytes, 0, length);
    const second = metaAt(bytes, first?.pageSize ?? 4_096, length);
    return [first, second].filter((meta) => meta !== undefined);
  } finally {
    closeSync(file);
  }
}

function metaAt(bytes: Buffer, page: number, length: number): { lastPage: number; pageSize: number } | undefined {
  const start = page + PAGE_HEADER_BYTES;
  if (start + Meta.bytes > length || bytes.readUInt32LE(start + Meta.magic) !== META_MAGIC) return undefined;
  const pageSize = bytes.readUInt32LE(start + Meta.pageSize);
  if (pageSize < PAGE_BYTES_MIN || pageSize > PAGE_BYTES_MAX || (pageSize & (pageSize - 1)) !== 0) return undefined;
  return { lastPage: Number(bytes.readBigUInt64LE(start + Meta.lastPage)), pageSize };
}

function notOpenable(directory: string, found: string, cause: unknown): StoreError {
  return new StoreError('not-openable', `Cannot use ${directory} as data directory: ${found}`, cause);
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
