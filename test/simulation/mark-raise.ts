/** Tells the write that raises the mark of what was sent from one that a client asked for. */
import type { Write } from '@dunlin/broker';

/** Unfinished deliveries of a session that is resumed may raise its mark in the same step; no answer waits for that. */
export function raisesMark(write: Write, earlier: readonly Write[]): boolean {
  if (write.op !== 'putSession') return false;
  const { session } = write;
  return earlier.some(
    (one) =>
      one.op === 'putSession' &&
      one.session.number === session.number &&
      one.session.sentUpTo < session.sentUpTo &&
      one.session.identity === session.identity &&
      one.session.sessionExpiryInterval === session.sessionExpiryInterval &&
      one.session.expiresAtMs === session.expiresAtMs,
  );
}
