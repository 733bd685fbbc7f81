/** The store of a server: in memory, or in a data directory with what `durability` promises. */
import { StoreContradiction } from '@dunlin/broker';
import { type LmdbEnvironment, openLmdb, StoreError } from '@dunlin/lmdb';
import type { Configuration } from './configuration.ts';

/**
 * Opens the data directory; undefined where everything stays in memory. `sweepFailed` is told why what deleted sessions
 * left is removed no more.
 * @throws StoreError where it is locked by another process, damaged, of a newer version or cannot be used
 */
export async function openStorage(
  { data, durability }: Configuration,
  sweepFailed?: (error: string) => void,
): Promise<LmdbEnvironment | undefined> {
  if (durability === 'memory' || data === undefined) return undefined;
  return await openLmdb({
    directory: data,
    durability,
    sweepFailed: (error) => sweepFailed?.(error instanceof Error ? error.message : String(error)),
  });
}

const RESTORE = 'With dunlin store restore; where there is none begin with another data directory: --data DIR';

/** What to do about a data directory that cannot be opened or read, in a sentence; undefined where the error says it all. */
export function storageAdvice(error: unknown): string | undefined {
  if (error instanceof StoreContradiction) return `To see what is wrong: dunlin store check. ${RESTORE}`;
  if (!(error instanceof StoreError)) return undefined;
  switch (error.code) {
    case 'locked':
      return 'Or take another data directory: --data DIR';
    case 'newer-format':
      return 'Start the version of Dunlin that wrote it, or a newer one';
    case 'damaged':
      return RESTORE;
    case 'not-openable':
      return 'Or take another data directory (--data DIR), or keep everything in memory: --durability memory';
    default:
      return undefined;
  }
}
