/** Actions on what devices come in with: tokens and certificates. */

import { readFileSync } from 'node:fs';
import type { Api } from '../api/api.ts';
import { shownMoment } from '../durations.ts';
import { localError, usageError } from '../exit-codes.ts';
import type { Outcome } from '../outcome.ts';
import { secretOfFile } from '../secrets.ts';
import { systemReason } from '../system-reason.ts';
import { textTable } from '../text-table.ts';
import { type CertificateAnswer, devicePath, type IssuedCertificateAnswer, type IssuedTokenAnswer } from './answers.ts';
import type { CertificateFiles } from './certificate-files.ts';
import type { DeviceFlags } from './device-flags.ts';
import { isCertificateGood } from './device-lines.ts';
import { certificatesOf, tokensOf } from './registry-actions.ts';

/** More than a device may have. */
const CREDENTIALS_MAX = 1_000;

export async function makeToken(api: Api, id: string, flags: DeviceFlags, nowMs: number): Promise<Outcome> {
  const { expiresInS, label, rotates, overlapS, tokenFile } = flags;
  if (rotates && tokenFile !== undefined) throw usageError('Cannot use --rotate with --from: a new token is expected');
  if (overlapS !== undefined && !rotates) throw usageError('Cannot use --overlap: expected --rotate beside it');
  const token = tokenFile === undefined ? undefined : await secretOfFile(tokenFile, 'the token');
  if (token === '')
    throw usageError(`Cannot use the token of ${tokenFile}: its first line is empty, expected is a token`);
  const path = devicePath(id, 'tokens', ...(rotates ? ['rotate'] : []));
  const issued = await api.ask<IssuedTokenAnswer>('POST', path, { expiresInS, label, overlapS, token });
  const { tokenId, expiresAtMs } = issued;
  const until = expiresAtMs === undefined ? 'for good' : `until ${shownMoment(expiresAtMs, nowMs)}`;
  const remark = `Token ${tokenId} of ${id} counts ${until}. The device shows it as password, and ${id} as User Name.`;
  if (issued.token === undefined) return { json: issued, lines: [remark] };
  const remarks = [remark, 'It is not shown again: only its hash is kept.'];
  const ifLost = `Token ${tokenId} was made all the same, and nobody has seen it: dunlin device revoke ${await word(id)} --token ${tokenId}`;
  return { json: issued, lines: [issued.token], remarks, ifLost };
}

export async function issueCertificate(
  api: Api,
  action: 'cert' | 'renew',
  id: string,
  flags: DeviceFlags,
  nowMs: number,
): Promise<Outcome> {
  const { out, csrFile, days, serial, force, json } = flags;
  if (out === undefined && !json) throw usageError(`Cannot ${action} without a place: expected --out DIR, or --json`);
  if (out === undefined && force) throw usageError('Cannot use --force: expected --out DIR beside it');
  const csr = csrFile === undefined ? undefined : requestOf(csrFile);
  const wishes = { csr, generateKey: csr === undefined ? true : undefined, days, serial };
  const path = devicePath(id, 'certificates', ...(action === 'renew' ? ['renew'] : []));
  // What cannot be written must not be issued: its key would be lost.
  const files = out === undefined ? undefined : await filesIn(out, { hasKey: csr === undefined, force });
  try {
    const issued = await api.ask<IssuedCertificateAnswer>('POST', path, wishes);
    const { serial: made } = issued;
    const ifLost = `Certificate ${made} was issued all the same, and nobody has seen it: dunlin device revoke ${await word(id)} --serial ${made}`;
    if (files === undefined) return { json: issued, lines: [], ifLost };
    const written = files.write(issued);
    const lines = [
      `Certificate ${issued.serial} of ${id} counts until ${shownMoment(issued.notAfterMs, nowMs)}:`,
      ...textTable(written.map(({ file, what }) => [`  ${file}`, what])),
    ];
    const paths = written.map(({ file }) => file);
    return { json: { serial: issued.serial, notAfterMs: issued.notAfterMs, files: paths }, lines };
  } finally {
    files?.close();
  }
}

/** An id as a word of a command line that somebody will copy. */
async function word(id: string): Promise<string> {
  const { shellWord } = await import('@dunlin/server');
  return shellWord(id);
}

/** Loaded when asked for: most commands write none. */
async function filesIn(directory: string, options: ConstructorParameters<typeof CertificateFiles>[1]) {
  const { CertificateFiles } = await import('./certificate-files.ts');
  return new CertificateFiles(directory, options);
}

function requestOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw localError(`Cannot read the request for a certificate from ${file}: ${systemReason(error)}`);
  }
}

export async function revoke(api: Api, id: string, flags: DeviceFlags, nowMs: number): Promise<Outcome> {
  const { tokenId, serial, all, reason } = flags;
  if ([tokenId !== undefined, serial !== undefined, all].filter(Boolean).length !== 1)
    throw usageError('Cannot revoke: expected --token TOKEN_ID or --serial SERIAL, as show has them, or --all');
  if (tokenId !== undefined && reason !== undefined)
    throw usageError('Cannot use --reason with --token: it is for certificates');
  const { normalSerial } = await import('@dunlin/devices');
  const wanted = serial === undefined ? undefined : (normalSerial(serial) ?? serial);
  const certificates = all || serial !== undefined ? (await certificatesOf(api, id, CREDENTIALS_MAX)).items : [];
  // By its serial number alone it could be one of another device.
  if (serial !== undefined && !certificates.some((one) => one.serial === wanted))
    throw usageError(
      `Cannot revoke the certificate "${serial}": ${id} has none of this serial number, see dunlin device show`,
    );
  const tokens = all ? await tokensOf(api, id) : [];
  const tokenIds = tokenId === undefined ? tokens.map((token) => token.id) : [tokenId];
  const good = certificates.filter((one) => isCertificateGood(one, nowMs)).map((one) => one.serial);
  const serials = wanted === undefined ? good : [wanted];
  for (const one of tokenIds) await api.ask('DELETE', devicePath(id, 'tokens', one));
  for (const one of serials)
    await api.ask('POST', `/api/v1/certificates/${encodeURIComponent(one)}/revoke`, { reason });
  const before = (one: string): string => {
    const { revokedAtMs } = certificates.find((certificate) => certificate.serial === one) ?? {};
    if (revokedAtMs === undefined || revokedAtMs > nowMs) return '';
    return `It was revoked before, ${shownMoment(revokedAtMs, nowMs)}: nothing has changed.`;
  };
  const lines = [
    ...tokenIds.map((one) => `Revoked the token ${one} of ${id}.`),
    ...serials.map((one) => before(one) || `Revoked the certificate ${one} of ${id}.`),
  ];
  const left = certificates.filter((one) => isCertificateGood(one, nowMs) && !serials.includes(one.serial));
  return {
    json: { id, tokens: tokenIds, certificates: serials, certificatesLeft: left.map((one) => one.serial) },
    lines: lines.length > 0 ? lines : [`${id} has nothing that counts.`],
    remarks: left.length === 0 ? [] : [leftText(left, nowMs)],
  };
}

/** Who revokes one because it was lost may mean the device. */
function leftText(left: readonly CertificateAnswer[], nowMs: number): string {
  const ends = left.map(({ notAfterMs, revokedAtMs }) => Math.min(notAfterMs, revokedAtMs ?? notAfterMs));
  const until = shownMoment(Math.max(...ends), nowMs);
  const [what, which] =
    left.length === 1 ? ['1 other certificate of it counts', 'it'] : [`${left.length} others of it count`, 'them'];
  return `${what} on until ${until}; --all revokes ${which}, too.`;
}
