/** How a command is put into words. */
import type { Device } from '../device.ts';
import type { TemplateValues } from '../registry/template.ts';
import type { CompiledCommand, CompiledType } from '../registry/types.ts';

/** A command that `commandBytesMax` does not allow. */
export class PayloadTooLarge extends Error {}

/** The types of devices; `DeviceTypes` is one. */
export interface TypeList {
  readonly all: readonly CompiledType[];
  /** Calls `changed` after each replacement, until the function that it returns is called. */
  onChange(changed: () => void): () => void;
}

export interface CommandMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
}

/** What templates are filled in from. */
export function commandValues(
  { id, attributes }: Device,
  commandId: string,
  nowMs: number,
  input: unknown,
): TemplateValues {
  return { deviceId: id, attributes, commandId, nowMs, input };
}

/** What goes to the device. @throws Error that says what is missing or does not fit */
export function renderCommand(command: CompiledCommand, values: TemplateValues, bytesMax: number): CommandMessage {
  const topic = command.topic.fill(values);
  const payload = new TextEncoder().encode(JSON.stringify(command.payload.fill(values)));
  if (payload.length > bytesMax)
    throw new PayloadTooLarge(
      `its payload has ${payload.length} bytes, at most ${bytesMax} (commandBytesMax) are expected`,
    );
  return { topic, payload };
}
