/** What presence and commands ask the registry for. */
import type { Awaitable } from '@dunlin/broker';
import type { Device } from '../device.ts';
import type { CompiledType } from './types.ts';

export interface KnownDevice {
  readonly device: Device;
  /** Another one for each device that was added under this id. */
  readonly generation: string;
  readonly type: CompiledType;
}

/** The device and its type as they are now; undefined where one of the two is not there. */
export type DeviceLookup = (deviceId: string) => Awaitable<KnownDevice | undefined>;
