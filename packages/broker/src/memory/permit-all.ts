/** Permissions of who may do everything, to begin from in tests and embedding programs. */
import type { Permissions } from '../ports.ts';

/** Refuses nothing; `{ ...PERMIT_ALL, mayPublish }` refuses what `mayPublish` does. */
export const PERMIT_ALL: Permissions = Object.freeze({
  mayPublish: () => 0,
  mayLeaveWill: () => 0,
  maySubscribe: () => 2,
  mayReceiveAll: () => true,
  mayReceive: () => true,
  explain: () => 'everything is permitted',
});
