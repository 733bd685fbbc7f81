/** The flags of TLS, and what their files hold. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { localError, usageError } from './exit-codes.ts';
import type { FlagGroup } from './flags.ts';
import { systemReason } from './system-reason.ts';

/** What the flags of TLS set; `undefined` fields were not given. */
export interface TlsFlags {
  caFile?: string;
  caPath?: string;
  useOsCertificates?: boolean;
  certificateFile?: string;
  keyFile?: string;
  keyPasswordFile?: string;
  serverName?: string;
  /** False: a certificate of another host is taken, if an authority signed it. */
  checkHost?: boolean;
  minVersion?: 'TLSv1.2' | 'TLSv1.3';
  ciphers?: string;
  protocol?: string;
}

/** The flags as TLS takes them. */
export interface TlsSettings {
  /** PEM. */
  readonly authorities: readonly (string | Uint8Array)[];
  readonly credential?: { readonly certificate: Uint8Array; readonly key: Uint8Array };
  readonly passphrase?: string;
  readonly serverName?: string;
  readonly checkHost: boolean;
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
  readonly ciphers?: string;
  /** For ALPN. */
  readonly protocols?: readonly string[];
}

const VERSIONS: Readonly<Record<string, 'TLSv1.2' | 'TLSv1.3'>> = { 'tlsv1.2': 'TLSv1.2', 'tlsv1.3': 'TLSv1.3' };

/** The group of the table; any of these flags asks for TLS. */
export const TLS: FlagGroup<{ readonly tls: TlsFlags }> = {
  title: 'TLS; any of these flags turns it on, as do mqtts://, wss:// and port 8883',
  isSaved: true,
  flags: [
    {
      long: 'cafile',
      values: ['FILE'],
      help: 'authorities to believe, PEM (those of the system)',
      set: ({ tls }, [file]) => {
        tls.caFile = file;
      },
    },
    {
      long: 'capath',
      values: ['DIR'],
      help: 'the same, every .pem and .crt of a directory',
      set: ({ tls }, [directory]) => {
        tls.caPath = directory;
      },
    },
    {
      long: 'tls-use-os-certs',
      help: 'believe those of the system besides --cafile and --capath',
      set: ({ tls }) => {
        tls.useOsCertificates = true;
      },
    },
    {
      long: 'cert',
      values: ['FILE'],
      help: 'certificate of this client, PEM; with --key',
      set: ({ tls }, [file]) => {
        tls.certificateFile = file;
      },
    },
    {
      long: 'key',
      values: ['FILE'],
      help: 'its key, PEM',
      set: ({ tls }, [file]) => {
        tls.keyFile = file;
      },
    },
    {
      long: 'key-pw-file',
      values: ['FILE'],
      help: 'the password of an encrypted key is the first line of it',
      set: ({ tls }, [file]) => {
        tls.keyPasswordFile = file;
      },
    },
    {
      long: 'servername',
      values: ['NAME'],
      help: 'the host that the certificate must be of, also sent as SNI (that of -h)',
      set: ({ tls }, [name]) => {
        tls.serverName = name;
      },
    },
    {
      long: 'insecure',
      help: 'take a certificate of another host; one that no authority signed is still refused',
      set: ({ tls }) => {
        tls.checkHost = false;
      },
    },
    {
      long: 'tls-version',
      values: ['VERSION'],
      choices: Object.keys(VERSIONS),
      help: 'the oldest to speak: tlsv1.2 or tlsv1.3 (tlsv1.2)',
      set: ({ tls }, [version]) => {
        if (!Object.hasOwn(VERSIONS, version)) {
          throw usageError(`Cannot speak TLS "${version}": expected one of ${Object.keys(VERSIONS).join(', ')}`);
        }
        tls.minVersion = VERSIONS[version];
      },
    },
    {
      long: 'ciphers',
      values: ['LIST'],
      help: 'of OpenSSL, divided by colons',
      set: ({ tls }, [ciphers]) => {
        tls.ciphers = ciphers;
      },
    },
    {
      long: 'tls-alpn',
      values: ['NAME'],
      help: 'protocol to ask for by ALPN, such as mqtt',
      set: ({ tls }, [protocol]) => {
        tls.protocol = protocol;
      },
    },
    {
      long: 'keyform',
      values: ['FORM'],
      help: 'accepted as elsewhere: pem',
      set: (_flags, [form]) => {
        if (form !== 'pem') throw usageError(`Cannot read keys in the form "${form}": expected pem`);
      },
    },
  ],
};

/** Checks what only all flags together can tell. Throws a usage error. */
export function checkTlsFlags({ certificateFile, keyFile, keyPasswordFile }: TlsFlags): void {
  if ((certificateFile === undefined) !== (keyFile === undefined)) {
    throw usageError('Cannot use --cert without --key, or --key without --cert');
  }
  if (keyPasswordFile !== undefined && keyFile === undefined) {
    throw usageError('Cannot use --key-pw-file without --key');
  }
}

/** Reads the files. Throws a local error that names the flag whose file cannot be read. */
export function readTls(flags: TlsFlags): TlsSettings {
  const { certificateFile, keyFile, keyPasswordFile, serverName, checkHost = true, protocol } = flags;
  return {
    authorities: authorities(flags),
    checkHost,
    ...(certificateFile === undefined || keyFile === undefined
      ? {}
      : { credential: { certificate: contentOf('--cert', certificateFile), key: contentOf('--key', keyFile) } }),
    ...(keyPasswordFile === undefined ? {} : { passphrase: firstLine(contentOf('--key-pw-file', keyPasswordFile)) }),
    ...(serverName === undefined ? {} : { serverName }),
    ...(flags.minVersion === undefined ? {} : { minVersion: flags.minVersion }),
    ...(flags.ciphers === undefined ? {} : { ciphers: flags.ciphers }),
    ...(protocol === undefined ? {} : { protocols: [protocol] }),
  };
}

function authorities({ caFile, caPath, useOsCertificates }: TlsFlags): (string | Uint8Array)[] {
  const own = [
    ...(caFile === undefined ? [] : [contentOf('--cafile', caFile)]),
    ...(caPath === undefined ? [] : contentsOf('--capath', caPath)),
  ];
  return own.length > 0 && useOsCertificates !== true ? own : [...own, ...ofSystem()];
}

/** Of a system that keeps none, those which Node brings. */
function ofSystem(): string[] {
  // Loaded when asked for: commands start faster without it.
  const { getCACertificates } = process.getBuiltinModule('node:tls');
  const found = getCACertificates('system');
  return found.length > 0 ? found : getCACertificates('default');
}

function contentsOf(flag: string, directory: string): Uint8Array[] {
  const names = attempt(flag, directory, () => readdirSync(directory)).filter((name) => /\.(pem|crt)$/.test(name));
  if (names.length === 0) throw localError(`Cannot use ${flag} ${directory}: no .pem or .crt is in it`);
  return names.map((name) => contentOf(flag, join(directory, name)));
}

function contentOf(flag: string, file: string): Uint8Array {
  return attempt(flag, file, () => readFileSync(file));
}

function attempt<Found>(flag: string, place: string, read: () => Found): Found {
  try {
    return read();
  } catch (error) {
    throw localError(`Cannot use ${flag} ${place}: ${systemReason(error)}`);
  }
}

function firstLine(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString().split(/\r?\n/, 1)[0];
}
