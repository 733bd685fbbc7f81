/** The device service: its parts, put together. What they do is theirs; here is only who knows whom. */
import type { ServiceParts } from './ports.ts';
import { Registry } from './registry/registry.ts';
import type { DeviceTypes } from './registry/types.ts';

export interface DeviceServiceOptions extends ServiceParts {
  readonly types: DeviceTypes;
}

export class DeviceService {
  readonly types: DeviceTypes;
  readonly registry: Registry;

  private constructor(options: DeviceServiceOptions) {
    this.types = options.types;
    this.registry = new Registry(options, options.types);
  }

  static async open(options: DeviceServiceOptions): Promise<DeviceService> {
    return new DeviceService(options);
  }

  async close(): Promise<void> {
    await this.registry.close();
  }
}
