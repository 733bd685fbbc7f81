/** What must be true of commands and presence in every world, by name. */
import { Judge, type Violation as ViolationOf } from '../simulation-harness/judge.ts';

export const INVARIANTS = {
  'not-lost': 'A command whose request settled is there after every crash, until its history is over.',
  'one-end': 'A command goes from state to state as its table says, and one that has ended never changes.',
  'not-after-end': 'A command that has ended, or is about to, does not go out.',
  'once-a-connection': 'A command goes out once over a connection, unless it is known to be lost.',
  'one-at-a-time': 'Of the commands of a type one at a time is on its way to a device.',
  order: 'Commands of a type go out over a connection in the order of request.',
  'true-confirmation': 'A command is confirmed only if its device sent PUBACK for it.',
  'true-acknowledgement': 'A command is acknowledged, or failed by its device, only if that very device said so.',
  superseded: 'Of a type that supersedes the newest that has not gone out stays, and none ends so that has.',
  'heard-is-kept': 'What a device was told has arrived of a command is stored: no crash can undo that it ended.',
  'in-time': 'A command expires when its time is over and not before, and is acknowledged only before.',
  'reaches-its-device': 'Once all is calm every command whose time is not over reaches its device.',
  ends: 'Once all is calm every command ends.',
  counts: 'The numbers of open commands are those of the table.',
  waits: 'Who waits for a command is told when it has settled or the time is over.',
  idempotent: 'A request with an id that is known gets the command of this id, or is refused.',
  'presence-order': 'The sessions of a device that are published only rise, and one that is over stays over.',
  'presence-true': 'Once all is calm the retained message and the table say what is so.',
  'no-internal-error': 'No exception and no rejection escapes, and the service finds no fault with itself.',
} as const;

export type InvariantName = keyof typeof INVARIANTS;
export type Violation = ViolationOf<InvariantName>;
export class DeviceJudge extends Judge<InvariantName> {}
