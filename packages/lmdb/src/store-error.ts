/** The error of a data directory that cannot be opened, read or written: what was attempted, found and expected. */

/** Stable names of what can be wrong with a data directory. */
export type StoreErrorCode =
  /** Another process has the directory open. */
  | 'locked'
  /** It was written by a newer version. */
  | 'newer-format'
  /** Its content contradicts itself or cannot be decoded. */
  | 'damaged'
  /** There is no store where one is expected. */
  | 'no-store'
  /** There is a store where none is expected. */
  | 'store-exists'
  /** The operating system or LMDB refused to open it. */
  | 'not-openable'
  /** A write did not reach the disk; everything after it is refused. */
  | 'commit-failed'
  /** It was closed before. */
  | 'closed';

export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
