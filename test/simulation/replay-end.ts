/** Tells the write that ends a retained replay from one that a client asked for. */
import type { Write } from '@dunlin/broker';

/** A replay that ends at once is written down behind its subscription, in the same step; no answer waits for that. */
export function endsReplay(write: Write, earlier: readonly Write[]): boolean {
  if (write.op !== 'putSubscription' || write.subscription.replayUpTo !== undefined) return false;
  const { filter } = write.subscription;
  return earlier.some(
    (one) =>
      one.op === 'putSubscription' && one.subscription.filter === filter && one.subscription.replayUpTo !== undefined,
  );
}
