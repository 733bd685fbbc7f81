/**
 * Who makes a change, for the audit log: named once where somebody comes in, and known to whatever is done for them, however
 * many steps later. What is done for nobody is done by the service itself.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Gathering } from './gathering.ts';

export interface Actor {
  /** As `AuditEntry.by`. */
  readonly by: string;
  /** How a device has shown who it is; absent where `by` says it. */
  readonly proof?: string | undefined;
  /** Empty where nobody came over the network. */
  readonly address: string;
  /** Of the API; empty where it was not asked. */
  readonly requestId: string;
}

interface Acting extends Actor {
  /** Where many changes become few entries. */
  readonly gathering: Gathering | undefined;
}

export const BY_SERVICE = 'service';
const SERVICE: Acting = { by: BY_SERVICE, address: '', requestId: '', gathering: undefined };

const storage = new AsyncLocalStorage<Acting>();

/** Whoever is acting now. */
export function currentActor(): Acting {
  return storage.getStore() ?? SERVICE;
}

/** Does `work` in the name of an actor; what is not said of it (but for `proof`) is as it was. */
export function actingAs<Result>(
  { by, proof, ...where }: Pick<Actor, 'by'> & Partial<Actor>,
  work: () => Result,
): Result {
  return storage.run({ ...currentActor(), ...where, by, proof }, work);
}

/** Does what follows from a change of somebody, by the service itself: the request says from which. */
export function actingForService<Result>(work: () => Result): Result {
  return storage.run({ ...SERVICE, requestId: currentActor().requestId }, work);
}

/** Has the changes of `work` gathered. */
export function gatheringIn<Result>(gathering: Gathering, work: () => Result): Result {
  return storage.run({ ...currentActor(), gathering }, work);
}
