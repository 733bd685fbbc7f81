/** The authorities of a new server: its own, which clients know it by, and that of its devices, under a new master key. */
import { hostname } from 'node:os';
import {
  type AuthorityTexts,
  broughtAuthority,
  createAuthority,
  issueServerCertificate,
  newAuthority,
  newMasterKeyText,
  parseMasterKey,
} from '@dunlin/devices';
import { readNamedFile } from '@dunlin/identity';

/** An authority for the certificates of devices that exists already. */
export interface AuthorityFiles {
  /** File (PEM): the certificate that issues comes first, then those above it. */
  readonly certificate: string;
  /** File (PEM). It is read once: the server has a copy, encrypted under the master key. */
  readonly key: string;
  /** Of the key, where it is encrypted. */
  readonly passphrase?: string;
}

/** Texts of files; keys of devices are encrypted, others are not. */
export interface InitialAuthorities {
  readonly own: AuthorityTexts;
  readonly server: AuthorityTexts;
  readonly devices: AuthorityTexts;
  /** Certificates above the authority of devices; undefined where none came along. */
  readonly devicesRoot: string | undefined;
  /** Of the root; undefined where the authority was brought along. */
  readonly devicesRootKey: string | undefined;
  readonly masterKey: string;
}

/** Of the authority of the server: its certificate is in the hands of clients, so it should not change often. */
const AUTHORITY_DAYS = 3650;
const COMMON_NAME_MAX = 64;

/** Throws `NamedFileError` or `CertificateFileError` for an authority that was brought along and cannot be used. */
export function initialAuthorities(
  { days, nowMs, broughtAuthority: brought }: InitialAuthorityOptions,
  names: readonly string[],
): InitialAuthorities {
  const commonName = `Dunlin authority of ${hostname()}`.slice(0, COMMON_NAME_MAX);
  const own = createAuthority({ commonName, days: Math.max(days, AUTHORITY_DAYS), nowMs });
  const server = issueServerCertificate({ authority: own, names, days, nowMs });
  const masterKey = newMasterKeyText();
  const key = parseMasterKey(masterKey, 'dunlin init');
  if (brought !== undefined) {
    const certificate = namedText(brought.certificate, 'the certificate of the authority of devices');
    const keyFile = namedText(brought.key, 'the key of the authority of devices');
    const { passphrase } = brought;
    const options = { certificate, key: keyFile, masterKey: key, ...(passphrase !== undefined && { passphrase }) };
    const { issuing, above } = broughtAuthority(options);
    return { own, server, devices: issuing, devicesRoot: above || undefined, devicesRootKey: undefined, masterKey };
  }
  const { issuing, root } = newAuthority({ name: `Devices of ${hostname()}`, nowMs, masterKey: key });
  return { own, server, devices: issuing, devicesRoot: root.certificate, devicesRootKey: root.key, masterKey };
}

export interface InitialAuthorityOptions {
  /** How long the certificate of the server is valid. */
  readonly days: number;
  /** The time now, in milliseconds since 1970. */
  readonly nowMs: number;
  /** Default: a new one. */
  readonly broughtAuthority?: AuthorityFiles | undefined;
}

function namedText(path: string, what: string) {
  return { text: readNamedFile(path, what).toString('utf8'), source: path };
}
