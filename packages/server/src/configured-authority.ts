/** The authority for certificates of devices as the configuration describes it. */
import { IssuingAuthority, MasterKeyError, readMasterKey } from '@dunlin/devices/configuration';
import { CertificateFileError } from '@dunlin/identity';
import { ConfigurationError } from './configuration.ts';
import { readConfiguredFile } from './configured-file.ts';
import type { DevicesConfiguration } from './device-configuration.ts';

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
    if (error instanceof MasterKeyError)
      throw new ConfigurationError([`devices.masterKey: ${masterKeyFault(error, key)}`]);
    if (error instanceof CertificateFileError) throw new ConfigurationError([`devices.authority: ${error.message}`]);
    throw error;
  }
}

/** A new one would open nothing of what is there. */
function masterKeyFault({ code, found, message }: MasterKeyError, key: string): string {
  if (code !== 'missing') return message;
  return `${found}; the one that ${key} was encrypted under is expected: restore your copy of it, a new one cannot open that key`;
}

function namedText(key: 'certificate' | 'key' | 'serverAuthorities', file: string): { text: string; source: string } {
  try {
    return { text: readConfiguredFile(file, `the ${key} of the authority`).toString('utf8'), source: file };
  } catch (error) {
    throw new ConfigurationError([`devices.authority.${key}: ${(error as Error).message}`]);
  }
}
