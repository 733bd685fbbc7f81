/** How commands are stored and found. */
import type { TableDefinition } from '@dunlin/broker';
import type { Command } from './command.ts';

/** Digits of times and orders in terms, so that their order as texts is that of the numbers. */
const DIGITS = 16;
const ORDER_MAX = Number.MAX_SAFE_INTEGER;

export const COMMAND_TABLE: TableDefinition<Command> = {
  name: 'device-commands',
  indexes: {
    /** All of a device as it was added, newest first: whoever has its id later has none of them. */
    generation: ({ deviceId, generation, order }) => [`${deviceId}/${generation}/${digits(ORDER_MAX - order)}`],
    /** Those of a device that have not ended, in the order of request. */
    open: ({ deviceId, order, endedAtMs }) => (endedAtMs === undefined ? [`${deviceId}/${digits(order)}`] : []),
    /** Those that have not ended, by the time at which they expire. */
    expires: ({ expiresAtMs, endedAtMs }) => (endedAtMs === undefined ? [digits(expiresAtMs)] : []),
    /** Those that have ended, by the time at which they did. */
    ended: ({ endedAtMs }) => (endedAtMs === undefined ? [] : [digits(endedAtMs)]),
    /** Those of a command to a group. */
    batch: ({ batchId, order }) => (batchId === undefined ? [] : [`${batchId}/${digits(order)}`]),
  },
};

/** What the terms of a device (of one generation in `generation`) or a batch in an index begin with: none has a slash. */
export function ownedBy(id: string, generation?: string): string {
  return generation === undefined ? `${id}/` : `${id}/${generation}/`;
}

function digits(value: number): string {
  return String(Math.max(0, Math.floor(value))).padStart(DIGITS, '0');
}
