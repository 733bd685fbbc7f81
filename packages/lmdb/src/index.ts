/** Store and Table on LMDB: `openLmdb({ directory, durability })`. */

export type { CheckReport } from './check.ts';
export { type LmdbEnvironment, type LmdbOptions, openLmdb, type StoreStats } from './environment.ts';
export { StoreError, type StoreErrorCode } from './store-error.ts';
