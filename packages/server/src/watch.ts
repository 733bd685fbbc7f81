/** Watches the files that count without a reload: certificates, keys, revocation lists. */
import type { Clock } from '@dunlin/broker';
import { WatchedFiles } from '@dunlin/identity';
import type { ServerEvent } from './events.ts';

/** Files that are watched until it is closed. */
export interface Watch {
  close(): void;
}

/**
 * Calls `reread` when a file of one of the groups has changed, and tells how that went. Where it throws, what was read
 * before goes on to count, as where a file stays missing: that keeps only changes of its own group from being told, and is
 * told itself.
 */
export function watchFiles(
  { groups, clock }: { readonly groups: readonly (readonly string[])[]; readonly clock: Clock },
  reread: () => void,
  tell: (event: ServerEvent) => void,
): Watch {
  const watched = groups.map(
    (paths) =>
      new WatchedFiles({
        paths,
        clock,
        changed() {
          try {
            reread();
            tell({ name: 'filesReread', files: paths.join(' ') });
          } catch (error) {
            tell({ name: 'filesUnusable', error: (error as Error).message });
          }
        },
        missing: (error) => tell({ name: 'filesUnusable', error }),
      }),
  );
  return {
    close: () => {
      for (const files of watched) files.close();
    },
  };
}
