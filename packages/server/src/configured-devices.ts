/** The device service as the configuration describes it. */
import { DeviceService, DeviceTypeError, DeviceTypes, type ServiceParts } from '@dunlin/devices';
import { type Configuration, ConfigurationError } from './configuration.ts';
import { deviceTypes } from './device-configuration.ts';

/**
 * Opens the service; undefined where the configuration has none.
 * @throws ConfigurationError where types, keys or certificates cannot be used; nothing is left open
 */
export async function openDevices({ devices }: Configuration, parts: ServiceParts): Promise<DeviceService | undefined> {
  if (devices === undefined) return undefined;
  try {
    return await DeviceService.open({ ...parts, types: new DeviceTypes(deviceTypes(devices)) });
  } catch (error) {
    throw error instanceof DeviceTypeError ? new ConfigurationError(error.problems) : error;
  }
}
