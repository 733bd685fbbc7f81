/** What presence and commands ask the registry for. */
import type { Awaitable } from '@dunlin/broker';
import type { Device } from '../device.ts';
import type { CompiledType } from './types.ts';

export interface KnownDevice {
  readonly device: Device;
  /** Another one for each device that was added under this id. */
  readonly generation: string;
  /** Undefined where the configuration has it no longer. */
  readonly type: CompiledType | undefined;
}

/** The device and its type as they are now; undefined where there is no such device. */
export type DeviceLookup = (deviceId: string) => Awaitable<KnownDevice | undefined>;
