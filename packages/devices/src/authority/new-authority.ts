/** The authority of devices before it is written to its files: a new root with one that issues, or one brought along. */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { readPrivateKey } from '@dunlin/identity';
import { type CertifiedKey, createAuthority } from './authority.ts';
import { IssuingAuthority } from './issuing-authority.ts';
import { encryptKey, type NamedText } from './key-file.ts';
import type { MasterKey } from './master-key.ts';

/** A certificate in PEM with its key, encrypted. */
export interface AuthorityTexts {
  readonly certificate: string;
  readonly key: string;
}

export interface NewAuthority {
  /** What the service needs, and what is trusted: no other below the same root. */
  readonly issuing: AuthorityTexts;
  /** Needed again only to make another issuing authority. */
  readonly root: AuthorityTexts;
}

export interface BroughtAuthority {
  readonly issuing: AuthorityTexts;
  /** PEM of those above it that came along; empty where there are none. */
  readonly above: string;
}

/** Long, as every device would have to be given another one. */
const ROOT_DAYS = 7_300;
const ISSUING_DAYS = 3_650;
/** Leaves room for what tells the two apart in a Common Name. */
const NAME_MAX = 50;

/** Makes a root and below it the authority that issues, for clients alone. Keys are ECDSA P-256. */
export function newAuthority(options: {
  /** For people. Cut where it is too long. */
  readonly name: string;
  readonly nowMs: number;
  readonly masterKey: MasterKey;
}): NewAuthority {
  const { nowMs, masterKey } = options;
  const name = options.name.slice(0, NAME_MAX);
  const root = createAuthority({
    commonName: `${name} root`,
    days: ROOT_DAYS,
    nowMs,
    pathLength: 1,
    clientsOnly: true,
  });
  const made = { commonName: `${name} issuing`, days: ISSUING_DAYS, nowMs, clientsOnly: true };
  const issuing = createAuthority({ ...made, issuer: root });
  const encrypted = ({ key }: CertifiedKey) => encryptKey(createPrivateKey(key), masterKey);
  return {
    issuing: { certificate: issuing.certificate, key: encrypted(issuing) },
    root: { certificate: root.certificate, key: encrypted(root) },
  };
}

/**
 * Takes an authority that others made, and encrypts its key under the master key.
 *
 * `passphrase`: of the key as it comes. Throws `CertificateFileError` where it cannot issue for clients.
 */
export function broughtAuthority(options: {
  readonly certificate: NamedText;
  readonly key: NamedText;
  readonly passphrase?: string;
  readonly masterKey: MasterKey;
}): BroughtAuthority {
  const { certificate, key, passphrase, masterKey } = options;
  const brought: KeyObject = readPrivateKey(key.text, key.source, passphrase);
  const encrypted = { text: encryptKey(brought, masterKey), source: key.source };
  const { pems } = IssuingAuthority.open({ name: 'brought', certificate, key: encrypted, masterKey });
  const [first, ...above] = pems;
  return { issuing: { certificate: first, key: encrypted.text }, above: above.join('') };
}
