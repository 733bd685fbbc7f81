/** The device service as the configuration describes it. */
import {
  DeviceService,
  type DeviceServiceOptions,
  DeviceTypeError,
  DeviceTypes,
  IssuingAuthority,
  MasterKeyError,
  readMasterKey,
  type ServiceParts,
} from '@dunlin/devices';
import { CertificateFileError } from '@dunlin/identity';
import { type Configuration, ConfigurationError } from './configuration.ts';
import { readConfiguredFile } from './configured-file.ts';
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

/** Undefined where the configuration names none. @throws ConfigurationError */
export function openAuthority(
  { authority, masterKey }: DevicesConfiguration,
  data: string | undefined,
): IssuingAuthority | undefined {
  if (authority === undefined || masterKey === undefined) return undefined;
  const { name, certificate, key, serverAuthorities, crlUrl, ocspUrl } = authority;
  try {
    return IssuingAuthority.open({
      name,
      certificate: namedText('certificate', certificate),
      key: namedText('key', key),
      ...(serverAuthorities !== undefined && {
        serverAuthorities: namedText('serverAuthorities', serverAuthorities),
      }),
      urls: { ...(crlUrl !== undefined && { crl: crlUrl }), ...(ocspUrl !== undefined && { ocsp: ocspUrl }) },
      masterKey: readMasterKey(masterKey, { ...(data !== undefined && { dataDirectory: data }) }),
    });
  } catch (error) {
    if (error instanceof MasterKeyError) throw new ConfigurationError([`devices.masterKey: ${error.message}`]);
    if (error instanceof CertificateFileError) throw new ConfigurationError([`devices.authority: ${error.message}`]);
    throw error;
  }
}

function namedText(key: 'certificate' | 'key' | 'serverAuthorities', file: string): { text: string; source: string } {
  try {
    return { text: readConfiguredFile(file, `the ${key} of the authority`).toString('utf8'), source: file };
  } catch (error) {
    throw new ConfigurationError([`devices.authority.${key}: ${(error as Error).message}`]);
  }
}
