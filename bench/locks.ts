/** Certificates and password files for brokers that are compared behind locks. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createAuthority, issueServerCertificate } from '@dunlin/devices';
import { hashPassword } from '@dunlin/identity';

/** Of the one user of the row of passwords. */
const USER = 'bench';
const PASSWORD = 'bench-password';

/** Writes `ca.pem`, `server.pem` and `server.key` (ECDSA P-256): every broker shows one of the same kind. */
export async function writeCertificates(folder: string): Promise<void> {
  const nowMs = Date.now();
  const authority = createAuthority({ commonName: 'bench', days: 2, nowMs });
  const server = issueServerCertificate({ authority, names: ['localhost', '127.0.0.1'], days: 1, nowMs });
  writeFileSync(join(folder, 'ca.pem'), authority.certificate);
  writeFileSync(join(folder, 'server.pem'), server.certificate);
  writeFileSync(join(folder, 'server.key'), server.key, { mode: 0o600 });
}

/** Each broker's own format, as its own tool writes it by default. */
export async function writeDunlinPasswords(folder: string): Promise<void> {
  writeFileSync(join(folder, 'passwords'), `${USER}:${await hashPassword(Buffer.from(PASSWORD))}\n`, { mode: 0o600 });
}

export async function writeMosquittoPasswords(folder: string): Promise<void> {
  execFileSync('mosquitto_passwd', ['-b', '-c', join(folder, 'passwords'), USER, PASSWORD], { stdio: 'ignore' });
}
