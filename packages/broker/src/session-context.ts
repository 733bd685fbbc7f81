/** What a session needs of its broker, so that it touches nothing else. */
import type { GroupCommit } from './group-commit.ts';
import type { Limits } from './limits.ts';
import type { Message } from './message.ts';
import type { Metrics } from './metrics.ts';
import type { Store } from './ports.ts';
import type { Session } from './session.ts';
import type { Settings } from './settings.ts';

/** The broker, as its sessions see it. */
export interface SessionContext {
  readonly limits: Limits;
  readonly settings: Settings;
  readonly metrics: Metrics;
  readonly commits: GroupCommit;
  readonly store: Store;
  /** Wall clock of the present turn in milliseconds. */
  readonly nowMs: number;
  /** Number of the last change of a retained message. */
  readonly retainedSequence: number;
  /** What follows belongs to a turn: `nowMs` is right, and what is written leaves at its end. */
  beginTurn(): void;
  /** The steady clock at this moment, for what must end in time. */
  clockMs(): number;
  /** A delivery of the message stays in memory, for a client that is there or one that is not. */
  keep(message: Message, isAbsent: boolean): void;
  release(message: Message, isAbsent: boolean): void;
  /** The client of a session has come or gone; so many bytes are kept for it. */
  moved(session: Session, bytes: number): void;
  /** Whether one more message may wait in memory. */
  hasMemory(isAbsent: boolean): boolean;
  /** For want of memory a message of this session was dropped. */
  memoryShort(clientId: string): void;
  /** A message was kept from this session, by its permissions. */
  deliveryDenied(session: Session, message: Message): void;
  /** A limit acted on the queue of this session. */
  queueFull(clientId: string, limit: 'queueMessagesMax' | 'queueBytesMax'): void;
  /** Steady clock at which all that is long pauses in the present turn, whosesoever it is. */
  pauseAtMs(): number;
  /** The session goes on with its queue and replays in another turn. */
  continueLater(session: Session): void;
}
