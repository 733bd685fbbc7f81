/** Actions that send commands to devices. */

import { readFileSync } from 'node:fs';
import { type Api, ApiRefusal } from '../api/api.ts';
import { localError, usageError } from '../exit-codes.ts';
import type { Outcome } from '../outcome.ts';
import { systemReason } from '../system-reason.ts';
import { type BatchAnswer, type CommandAnswer, devicePath, type PresenceAnswer } from './answers.ts';
import { commandReport, type Whereabouts } from './command-outcome.ts';
import type { DeviceFlags } from './device-flags.ts';

export const WAIT_S = 5;

export async function sendCommand(api: Api, id: string, type: string, flags: DeviceFlags): Promise<Outcome> {
  const { waitS = WAIT_S, ttlS, commandId } = flags;
  const input = flags.input === undefined ? undefined : inputOf(flags.input);
  // Where no server runs nothing will come of it, however long one waits.
  const waitMs = api.isStopped ? 0 : waitS * 1_000;
  const command = await api.ask<CommandAnswer>(
    'POST',
    devicePath(id, 'commands', type),
    { input, ttlS, id: commandId },
    { waitMs },
  );
  // Who does not wait has to know all the same that nobody is there to send it.
  const where = waitS === 0 && !api.isStopped ? undefined : await whereabouts(api, command);
  const { word, lines, exitCode } = commandReport(command, where, Date.now());
  // Who did not want to wait has what was asked for when it cannot be lost any more.
  return { json: { ...command, outcome: word }, lines, ...(waitS > 0 && { exitCode }) };
}

export async function cancelCommand(api: Api, commandId: string): Promise<Outcome> {
  const cancel = <Answer>(what: string) =>
    api.ask<Answer>('POST', `/api/v1/${what}/${encodeURIComponent(commandId)}/cancel`);
  const command = await cancel<CommandAnswer>('commands').catch((error: unknown) => error as Error);
  if (command instanceof Error) {
    if (!(command instanceof ApiRefusal) || command.code !== 'command-unknown') throw command;
    const batch = await cancel<BatchAnswer>('batches').catch(() => {
      throw command;
    });
    return { json: batch, lines: [`Cancelled: no more of ${batch.group} are asked. ${batch.requested} were.`] };
  }
  return {
    json: command,
    lines: [`Cancelled: it is not sent any more. If it was on its way it may arrive all the same.`],
  };
}

async function whereabouts(api: Api, { deviceId, state }: CommandAnswer): Promise<Whereabouts> {
  if (state !== 'queued') return undefined;
  if (api.isStopped) return 'server-stopped';
  return await api.ask<PresenceAnswer>('GET', devicePath(deviceId, 'presence'));
}

/** JSON, or `@` and a file of it. */
export function inputOf(given: string): unknown {
  const file = given.startsWith('@') ? given.slice(1) : undefined;
  const text = file === undefined ? given : contentOf(file);
  try {
    return JSON.parse(text);
  } catch {
    throw usageError(
      `Cannot use --input ${file === undefined ? `'${given}'` : given}: expected JSON, or @FILE that holds it`,
    );
  }
}

function contentOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw localError(`Cannot read the input of the command from ${file}: ${systemReason(error)}`);
  }
}
