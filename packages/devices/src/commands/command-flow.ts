/** What may become of a command, as a table. No I/O: the command before, what happened, the command after. */
import type { Command } from './command.ts';

/** What happens to a command. */
export type CommandEvent =
  /** It went out; `confirmed`: and PUBACK came. */
  | { readonly kind: 'delivered'; readonly confirmed: boolean; readonly attempts: number }
  /** The device says that it was done. */
  | { readonly kind: 'acknowledged' }
  /** The device says no, somebody cancelled it, or it cannot be sent any more. */
  | { readonly kind: 'failed'; readonly why: string }
  /** A newer one, of this id, takes its place, if it has not gone out. */
  | { readonly kind: 'superseded'; readonly by: string }
  /** Time passes. */
  | { readonly kind: 'looked-at' };

/**
 * Where a command stands: `written`: sent, and nobody knows whether it arrived; `received`: PUBACK came, and the device
 * has yet to say what it did; `ended`: nothing more happens.
 */
export type CommandStage = 'queued' | 'written' | 'received' | 'ended';

export function stageOf(command: Command): CommandStage {
  if (command.endedAtMs !== undefined) return 'ended';
  if (command.state === 'queued') return 'queued';
  return command.confirmed ? 'received' : 'written';
}

/** Whether it may go out, again or for the first time. A repeat has the same id. */
export function isSendable(command: Command): boolean {
  const stage = stageOf(command);
  return stage === 'queued' || stage === 'written';
}

/** How `Command.why` of one begins in whose place a newer one has come; its id follows. */
export const SUPERSEDED = 'superseded by ';

type Step = (command: Command, event: CommandEvent, nowMs: number) => Command | undefined;

const nothing: Step = () => undefined;
const FLOW: { readonly [stage in CommandStage]: { readonly [kind in CommandEvent['kind']]: Step } } = {
  // An acknowledgement may be here before the word that the command went out, and after a crash that word is lost.
  queued: { delivered: send, acknowledged: acknowledge, failed: fail, superseded: giveWay, 'looked-at': nothing },
  // It stays sent when the connection ends: it may have arrived. That it may go out again is in `isSendable`.
  written: { delivered: send, acknowledged: acknowledge, failed: fail, superseded: nothing, 'looked-at': nothing },
  received: { delivered: nothing, acknowledged: acknowledge, failed: fail, superseded: nothing, 'looked-at': nothing },
  ended: { delivered: nothing, acknowledged: nothing, failed: nothing, superseded: nothing, 'looked-at': nothing },
};

/**
 * The command after the event; undefined where it stays as it is. From `expiresAtMs` on whatever happens to one that has
 * not ended is that it has expired, so that it does not matter whether the clock or the device is looked at first.
 */
export function follow(command: Command, event: CommandEvent, nowMs: number): Command | undefined {
  const stage = stageOf(command);
  if (stage !== 'ended' && nowMs >= command.expiresAtMs) return expire(command, nowMs);
  return FLOW[stage][event.kind](command, event, nowMs);
}

function send(command: Command, event: CommandEvent, nowMs: number): Command | undefined {
  if (event.kind !== 'delivered') return undefined;
  const { confirmed, attempts } = event;
  // Where the device says nothing more, PUBACK is all that there will ever be.
  const endedAtMs = confirmed && !command.awaitsAcknowledgement ? nowMs : undefined;
  return {
    ...command,
    state: 'sent',
    confirmed,
    attempts: Math.max(command.attempts, attempts),
    sentAtMs: nowMs,
    endedAtMs,
    why: confirmed ? '' : 'written at QoS 0: nobody knows whether it arrived',
  };
}

function acknowledge(command: Command, _event: CommandEvent, nowMs: number): Command | undefined {
  if (!command.awaitsAcknowledgement) return undefined;
  return { ...command, state: 'acknowledged', confirmed: true, endedAtMs: nowMs, why: '' };
}

function fail(command: Command, event: CommandEvent, nowMs: number): Command | undefined {
  if (event.kind !== 'failed') return undefined;
  return { ...command, state: 'failed', endedAtMs: nowMs, why: event.why };
}

function giveWay(command: Command, event: CommandEvent, nowMs: number): Command | undefined {
  if (event.kind !== 'superseded') return undefined;
  return { ...command, state: 'failed', endedAtMs: nowMs, why: SUPERSEDED + event.by };
}

function expire(command: Command, nowMs: number): Command {
  const why =
    command.state === 'queued'
      ? 'it did not go out in time'
      : command.confirmed
        ? 'the device did not say in time that it was done'
        : 'nothing confirmed in time that it arrived';
  return { ...command, state: 'expired', endedAtMs: nowMs, why };
}
