/** The device service as the configuration describes it. */
import { DeviceService, type DeviceServiceOptions, type ServiceParts } from '@dunlin/devices';
import { DeviceTypeError, DeviceTypes } from '@dunlin/devices/configuration';
import { type Configuration, ConfigurationError } from './configuration.ts';
import { openAuthority } from './configured-authority.ts';
import { type DevicesConfiguration, deviceTypes } from './device-configuration.ts';

/**
 * Opens the service; undefined where the configuration has none.
 * @throws ConfigurationError where types, the master key or files of the authority cannot be used; nothing is left open
 */
export async function openDevices(
  { devices, data, settings }: Pick<Configuration, 'devices' | 'data' | 'settings'>,
  parts: ServiceParts & Pick<DeviceServiceOptions, 'verifier'>,
): Promise<DeviceService | undefined> {
  if (devices === undefined) return undefined;
  const types = openTypes(devices);
  const authority = openAuthority(devices, data);
  const { days, renewalOverlapS, warnDays } = devices.authority ?? {};
  return await DeviceService.open({
    ...parts,
    types,
    authority,
    registration: devices.registration,
    commandLimits: devices.limits,
    claimLimits: devices.limits,
    credentialLimits: devices.limits,
    ...(settings.sysIntervalS !== undefined && { sysIntervalS: settings.sysIntervalS }),
    ...(warnDays !== undefined && { warnDays }),
    certificates: { ...(days !== undefined && { days }), ...(renewalOverlapS !== undefined && { renewalOverlapS }) },
  });
}

/** @throws ConfigurationError with every fault */
function openTypes(devices: DevicesConfiguration): DeviceTypes {
  try {
    return new DeviceTypes(deviceTypes(devices));
  } catch (error) {
    throw error instanceof DeviceTypeError ? new ConfigurationError(error.problems) : error;
  }
}
