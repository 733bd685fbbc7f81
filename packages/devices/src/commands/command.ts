/** A command to a device: what is kept of it. */

/**
 * `queued`: stored, not known to have gone out. `sent`: PUBACK came (`confirmed`), or it was written to the socket of a
 * device that subscribed at QoS 0. `acknowledged`: the device itself said so. `failed`: the device said no, somebody
 * cancelled it, a newer one superseded it, or it cannot be made any more; `why` tells.
 */
export type CommandState = 'queued' | 'sent' | 'acknowledged' | 'expired' | 'failed';

export interface Command {
  /** 1 to 128 letters, digits and `-._~`. */
  readonly id: string;
  readonly deviceId: string;
  /** Of the device: another one that comes under its id later does not get the command. */
  readonly generation: string;
  /** Name of a command of the device's type. */
  readonly type: string;
  /** JSON that the caller gave; undefined where there was none. */
  readonly input: unknown;
  readonly state: CommandState;
  /** The device is known to have got it: PUBACK, or its own acknowledgement. */
  readonly confirmed: boolean;
  /** Whether the device says at application level that it was done, as the type was when it was requested. */
  readonly awaitsAcknowledgement: boolean;
  /** How often it went out, as far as it is known. */
  readonly attempts: number;
  /** Wall clock, as are the others. */
  readonly requestedAtMs: number;
  readonly expiresAtMs: number;
  /** When it last went out; undefined: never, as far as it is known. */
  readonly sentAtMs: number | undefined;
  /** When nothing more could happen to it; undefined: it may still. */
  readonly endedAtMs: number | undefined;
  /** Why it is in this state; empty where the state says all. */
  readonly why: string;
  /** Who asked for it. */
  readonly by: string;
  /** The command to a group that it is part of. */
  readonly batchId: string | undefined;
  /** Rises with each request, however the clock is set. */
  readonly order: number;
}

export const COMMAND_ID_CHARACTERS_MAX = 128;
const ID = /^[A-Za-z0-9._~-]+$/;

/** Whether a caller may give a command this id: it stands in topics and paths. */
export function isCommandId(id: string): boolean {
  return id.length <= COMMAND_ID_CHARACTERS_MAX && ID.test(id) && id !== '.' && id !== '..';
}
