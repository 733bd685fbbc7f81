/** What became of a command, in words, and the exit code for each. */

import { shownMoment } from '../durations.ts';
import { ExitCode } from '../exit-codes.ts';
import { shownTime } from '../quantities.ts';
import type { CommandAnswer, PresenceAnswer } from './answers.ts';

/** What may have become of it. */
export type CommandWord =
  | 'acknowledged'
  | 'confirmed'
  | 'sent unconfirmed'
  | 'unanswered'
  | 'received'
  | 'queued'
  | 'expired'
  | 'failed';

export const EXIT_CODES: Readonly<Record<CommandWord, number>> = {
  acknowledged: ExitCode.done,
  confirmed: ExitCode.done,
  'sent unconfirmed': ExitCode.done,
  unanswered: ExitCode.unconfirmed,
  received: ExitCode.received,
  queued: ExitCode.queued,
  expired: ExitCode.expired,
  failed: ExitCode.failed,
};

/** In a word or two, the same wherever it is told. */
export function commandWord({ state, confirmed, awaitsAcknowledgement, endedAtMs }: CommandAnswer): CommandWord {
  if (state !== 'sent') return state;
  if (!confirmed) return awaitsAcknowledgement ? 'unanswered' : 'sent unconfirmed';
  return endedAtMs === undefined ? 'received' : 'confirmed';
}

/** Where the device stands, as far as that says why a command waits. */
export type Whereabouts = Pick<PresenceAnswer, 'connected' | 'session'> | 'server-stopped' | undefined;

export interface CommandReport {
  readonly word: CommandWord;
  readonly lines: readonly string[];
  readonly exitCode: number;
}

/** What became of it until now. */
export function commandReport(command: CommandAnswer, where: Whereabouts, nowMs: number): CommandReport {
  const word = commandWord(command);
  const { id, deviceId, type } = command;
  const lines = [`${type} to ${deviceId}: ${word}`, `  ${sentence(word, command, where, nowMs)}`, `  command ${id}`];
  return { word, lines, exitCode: EXIT_CODES[word] };
}

function sentence(word: CommandWord, command: CommandAnswer, where: Whereabouts, nowMs: number): string {
  const until = shownMoment(command.expiresAtMs, nowMs);
  switch (word) {
    case 'acknowledged':
      return `The device says that it was done${took(command)}.`;
    case 'confirmed':
      return `The device has it: it answered with PUBACK${took(command)}.`;
    case 'sent unconfirmed':
      return (
        'It went out. It is unconfirmed because the device subscribed at QoS 0, which says nothing of what arrives. ' +
        `When the device comes again it goes out again, with the same id, until ${until}.`
      );
    case 'unanswered':
      return (
        'It went out at QoS 0, and the device, which is expected to say that it was done, has not said so. ' +
        `It has until ${until}; when it comes again, it goes out again with the same id.`
      );
    case 'received':
      return `The device has it (PUBACK), and has not said yet that it was done; it has until ${until}.`;
    case 'queued':
      if (where === 'server-stopped')
        return `No server runs. It goes out when one does and the device comes, until ${until}.`;
      if (where !== undefined && !where.connected) {
        const never = where.session === 0 ? ', and never was' : '';
        return `The device is not connected${never}. It goes out when the device comes and subscribes, until ${until}.`;
      }
      if (where === undefined) return `It goes out when the device is subscribed to its topic, until ${until}.`;
      return (
        'The device is connected and has not got it yet: it may not be subscribed to the topic of the command, or not ' +
        `have answered. It goes out, or out again, until ${until}.`
      );
    case 'expired':
    case 'failed':
      return `${firstLetterLarge(command.why)}.`;
  }
}

function took({ requestedAtMs, endedAtMs }: CommandAnswer): string {
  if (endedAtMs === undefined) return '';
  return `, ${shownTime((endedAtMs - requestedAtMs) * 1_000)} after it was asked for`;
}

function firstLetterLarge(text: string): string {
  return text === '' ? 'The server does not say why' : text[0].toUpperCase() + text.slice(1);
}
