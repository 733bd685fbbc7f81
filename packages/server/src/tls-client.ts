/** What a client has to be told to trust a TLS listener of this server: the authority, and a name of the certificate. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import type { CertificateFiles } from './configuration.ts';

export interface TlsClient {
  /** File with the root that the certificate leads to, where the configuration names one. */
  readonly authorityFile: string | undefined;
  /** A name or address that the certificate is for, one of `hosts` if possible; undefined where it has none. */
  readonly host: string | undefined;
}

/** Reads the files. `hosts`: where the server can be reached, best first; `authorityFiles`: roots that are known. */
export function tlsClient(
  { certificate: file }: CertificateFiles,
  hosts: readonly string[],
  authorityFiles: readonly string[],
): TlsClient {
  try {
    const chain = certificatesOf(file);
    const [leaf] = chain;
    const roots = [file, ...authorityFiles].map((from) => ({ from, roots: certificatesOf(from).filter(isRoot) }));
    const known = roots.find(({ roots: some }) => some.some((root) => chain.some((each) => isIssuedBy(each, root))));
    const names = alternativeNames(leaf);
    const host = [...hosts, ...names].find((name) => isFor(leaf, name));
    return { authorityFile: known?.from, host };
  } catch {
    // Somebody changes the files just now: the listener has read them and is open, so this is no reason to fail.
    return { authorityFile: undefined, host: undefined };
  }
}

function certificatesOf(file: string): X509Certificate[] {
  const blocks = readFileSync(file, 'utf8').match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g);
  return (blocks ?? []).map((block) => new X509Certificate(block));
}

function isRoot(certificate: X509Certificate): boolean {
  return isIssuedBy(certificate, certificate);
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

/** Without those that stand for many. */
function alternativeNames({ subjectAltName = '' }: X509Certificate): string[] {
  return [...subjectAltName.matchAll(/(?:DNS|IP Address):([\w.:-]+)/g)].map(([, name]) => name);
}

function isFor(certificate: X509Certificate, name: string): boolean {
  return (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined;
}
