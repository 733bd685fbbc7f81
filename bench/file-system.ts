/** Which file system a folder lies on: figures of stored messages mean nothing without it. */
import { statfsSync } from 'node:fs';

/** The numbers of statfs(2) that Linux gives the usual ones. */
const names: ReadonlyMap<number, string> = new Map([
  [0xef53, 'ext4'],
  [0x58465342, 'XFS'],
  [0x9123683e, 'Btrfs'],
  [0x2fc12fc1, 'ZFS'],
  [0x794c7630, 'overlayfs'],
  [0x01021994, 'tmpfs (memory: a flush costs nothing there, set TMPDIR to a folder on a disk)'],
]);

/** Its name, or its number where it is an unusual one. */
export function fileSystemOf(folder: string): string {
  const { type } = statfsSync(folder);
  return names.get(type) ?? `a file system of type 0x${type.toString(16)}`;
}
