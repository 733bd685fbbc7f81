/** What somebody asks for, held against the device, its type and the limits, before anything is stored. */
import { isDeepStrictEqual } from 'node:util';
import { quoted } from '@dunlin/protocol';
import { DeviceError, throwProblems } from '../device-error.ts';
import type { CommandLimits } from '../limits/command-limits.ts';
import type { KnownDevice } from '../registry/known-device.ts';
import { type Command, isCommandId } from './command.ts';
import { commandValues, PayloadTooLarge, renderCommand } from './command-types.ts';

export interface CommandRequest {
  readonly deviceId: string;
  /** Name of a command of the device's type. */
  readonly type: string;
  /** JSON, as the schema of the command wants it; undefined where it takes none. */
  readonly input?: unknown;
  /** Makes a repeat of the request harmless; one is made where none is given. */
  readonly id?: string;
  /** Seconds in which it has to be confirmed; by default what the type says. */
  readonly ttlS?: number;
  /** Who asks. */
  readonly by: string;
  readonly batchId?: string;
}

/** A request with all that its command is made of. */
export type ReadRequest = Pick<
  Command,
  | 'id'
  | 'deviceId'
  | 'generation'
  | 'type'
  | 'input'
  | 'by'
  | 'batchId'
  | 'awaitsAcknowledgement'
  | 'requestedAtMs'
  | 'expiresAtMs'
>;

/** @throws DeviceError 'invalid' */
export function checkCommandId(id: string): void {
  if (isCommandId(id)) return;
  throwProblems('give a command an id', [
    `id is ${quoted(id)}: 1 to 128 letters, digits, "-", ".", "_" and "~" are expected`,
  ]);
}

/** Told of a limit that a request does not keep, before that is thrown. */
export type LimitExceeded = (limit: 'commandBytesMax' | 'commandTtlMaxS', detail: string) => void;

/** As the table will give it back, whatever the caller does to its own. @throws DeviceError 'invalid' */
export function readInput(input: unknown, bytesMax: number, exceeded: LimitExceeded): unknown {
  if (input === undefined) return undefined;
  const text = jsonText(input);
  const bytes = Buffer.byteLength(text ?? '');
  const problems = [
    ...(text === undefined ? ['input is no JSON: JSON is expected'] : []),
    ...(bytes > bytesMax ? [`input has ${bytes} bytes: at most ${bytesMax} (commandBytesMax) are expected`] : []),
  ];
  if (bytes > bytesMax) exceeded('commandBytesMax', `an input has ${bytes} bytes, ${bytesMax} are allowed`);
  throwProblems('take the input of a command', problems);
  return JSON.parse(text as string);
}

function jsonText(input: unknown): string | undefined {
  try {
    return JSON.stringify(input);
  } catch {
    return undefined;
  }
}

/** What is wrong with the seconds that somebody gives a command; none where nothing is. */
export function ttlProblems(ttlS: number, maxS: number, exceeded: LimitExceeded): readonly string[] {
  if (ttlS > maxS) exceeded('commandTtlMaxS', `ttlS is ${ttlS}, ${maxS} are allowed`);
  if (Number.isInteger(ttlS) && ttlS >= 1 && ttlS <= maxS) return [];
  return [`ttlS is ${ttlS}: 1 to ${maxS} seconds are expected`];
}

/** The command that has the id already. @throws DeviceError 'command-conflict' where it is another one */
export function sameCommand(existing: Command, { deviceId, type }: CommandRequest, input: unknown): Command {
  if (existing.deviceId === deviceId && existing.type === type && isDeepStrictEqual(existing.input, input))
    return existing;
  throw new DeviceError(
    'command-conflict',
    `Cannot use the id ${existing.id} again: a command with another device, type or input has it, a new id is expected`,
  );
}

/** What a request is read with. */
export interface RequestFacts {
  readonly id: string;
  readonly input: unknown;
  readonly known: KnownDevice | undefined;
  readonly nowMs: number;
  readonly exceeded: LimitExceeded;
}

/** @throws DeviceError 'unknown-device', 'device-disabled', 'unknown-command', 'invalid' with every fault */
export function readRequest(
  { deviceId, type, ttlS: asked, by, batchId }: CommandRequest,
  { id, input, known, nowMs, exceeded }: RequestFacts,
  { commandTtlMaxS, commandBytesMax }: CommandLimits,
): ReadRequest {
  const what = `send the command ${quoted(type)} to ${quoted(deviceId)}`;
  if (known === undefined) throw new DeviceError('unknown-device', `Cannot ${what}: there is no device of this id`);
  const { device, generation } = known;
  if (!device.enabled) throw new DeviceError('device-disabled', `Cannot ${what}: the device is disabled`);
  const compiled = known.type?.commands.get(type);
  if (compiled === undefined) {
    const names = [...(known.type?.commands.keys() ?? [])].join(', ') || 'none';
    throw new DeviceError(
      'unknown-command',
      `Cannot ${what}: its type has no such command, one of these is expected: ${names}`,
    );
  }
  const ttlS = asked ?? Math.min(compiled.form.ttlS, commandTtlMaxS);
  throwProblems(what, [...compiled.checkInput(input), ...ttlProblems(ttlS, commandTtlMaxS, exceeded)]);
  try {
    renderCommand(compiled, commandValues(device, id, nowMs, input), commandBytesMax);
  } catch (error) {
    if (error instanceof PayloadTooLarge) exceeded('commandBytesMax', error.message);
    throwProblems(what, [error instanceof Error ? error.message : String(error)]);
  }
  const awaitsAcknowledgement = compiled.acknowledgement !== undefined;
  const times = { requestedAtMs: nowMs, expiresAtMs: nowMs + ttlS * 1_000 };
  return { id, deviceId, generation, type, input, by, batchId, awaitsAcknowledgement, ...times };
}
