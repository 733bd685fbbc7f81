/** Watches the files that count without a reload: certificates, keys, revocation lists. */
import type { Clock } from '@dunlin/broker';
import { WatchedFiles } from '@dunlin/identity';
import type { ServerEvent } from './events.ts';

/** Files that are watched until it is closed. */
export interface Watch {
  close(): void;
}

/**
 * Calls `reread` when one of the files has changed, and tells how that went. Where it throws, what was read before goes
 * on to count.
 */
export function watchFiles(
  { paths, clock }: { readonly paths: readonly string[]; readonly clock: Clock },
  reread: () => void,
  tell: (event: ServerEvent) => void,
): Watch {
  if (paths.length === 0) return { close: () => {} };
  return new WatchedFiles({
    paths,
    clock,
    changed() {
      try {
        reread();
        tell({ name: 'filesReread', files: paths.length });
      } catch (error) {
        tell({ name: 'filesUnusable', error: (error as Error).message });
      }
    },
  });
}
