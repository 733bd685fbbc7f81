/** The limits of commands, with their units and defaults: one table for the code, the configuration and its reference. */
import { resolveLimits } from './service-limits.ts';

export interface CommandLimit {
  readonly default: number;
  readonly minimum: number;
  readonly maximum: number;
  readonly unit: 'commands' | 'bytes' | 'seconds' | 'waits' | 'batches';
  readonly description: string;
}

const DAY_S = 86_400;

export const COMMAND_LIMITS = {
  commandsPerDeviceMax: {
    default: 100,
    minimum: 1,
    maximum: 10_000,
    unit: 'commands',
    description: 'Commands of one device that have not ended; more are refused.',
  },
  commandsMax: {
    default: 100_000,
    minimum: 1,
    maximum: 10_000_000,
    unit: 'commands',
    description: 'Commands of all devices that have not ended; more are refused.',
  },
  commandsInFlightMax: {
    default: 10,
    minimum: 1,
    maximum: 1_000,
    unit: 'commands',
    description: 'Commands on their way to one device; there is never more than one of a type.',
  },
  commandBytesMax: {
    default: 65_536,
    minimum: 16,
    maximum: 1_048_576,
    unit: 'bytes',
    description: 'Input of a command as JSON, its payload, and the payload of an acknowledgement.',
  },
  commandTtlMaxS: {
    default: 30 * DAY_S,
    minimum: 1,
    maximum: 30 * DAY_S,
    unit: 'seconds',
    description: 'The longest time that a command may have to be confirmed.',
  },
  commandHistoryS: {
    default: 7 * DAY_S,
    minimum: 0,
    maximum: 366 * DAY_S,
    unit: 'seconds',
    description: 'How long a command is kept after it has ended; as long its id cannot be used for another one.',
  },
  commandHistoryMax: {
    default: 100_000,
    minimum: 1,
    maximum: 10_000_000,
    unit: 'commands',
    description: 'Commands that have ended, and as many to groups; the oldest make room before commandHistoryS.',
  },
  commandHistoryBytesMax: {
    default: 268_435_456,
    minimum: 65_536,
    maximum: 1_099_511_627_776,
    unit: 'bytes',
    description: 'Commands that have ended, as JSON, and as much of those to groups; the oldest make room.',
  },
  commandWaitsMax: {
    default: 10_000,
    minimum: 0,
    maximum: 1_000_000,
    unit: 'waits',
    description: 'Callers that wait for what becomes of a command; further ones get it as it is.',
  },
  commandBatchesMax: {
    default: 10,
    minimum: 1,
    maximum: 1_000,
    unit: 'batches',
    description: 'Commands to groups that are under way.',
  },
} as const satisfies Record<string, CommandLimit>;

export type CommandLimitName = keyof typeof COMMAND_LIMITS;
export type CommandLimits = { readonly [name in CommandLimitName]: number };

/**
 * All limits, the default where none is given.
 * @throws RangeError for one that is outside of its range
 */
export function resolveCommandLimits(given: Partial<CommandLimits>): CommandLimits {
  return resolveLimits(COMMAND_LIMITS, given);
}
