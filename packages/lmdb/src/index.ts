/** Store and Table on LMDB: `openLmdb({ directory, durability })`. */

export type { CheckReport } from './check.ts';
export { type LmdbEnvironment, type LmdbOptions, openLmdb, type StoreStats } from './environment.ts';
export { backUpClosed, checkClosed, statsOfClosed } from './inspection.ts';
export { type Restored, type RestoreOptions, restoreBackup } from './restore.ts';
export { type SocketFolder, socketFolder } from './socket-path.ts';
export { StoreError, type StoreErrorCode } from './store-error.ts';
