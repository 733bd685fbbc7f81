/**
 * Who makes a change, for the audit log: named once where somebody comes in, and known to whatever is done for them, however
 * many steps later. What is done for nobody is done by the service itself.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

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

export const BY_SERVICE = 'service';
const SERVICE: Actor = { by: BY_SERVICE, address: '', requestId: '' };

const storage = new AsyncLocalStorage<Actor>();

/** Whoever is acting now. */
export function currentActor(): Actor {
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
