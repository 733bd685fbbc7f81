/** Watches when the certificates of a connection end. */

import type { ClientEvents } from './client-api.ts';
import type { CertificateSeen } from './dial.ts';
import type { Environment } from './environment.ts';
import type { Listeners } from './events.ts';

const DAY_MS = 86_400_000;

/**
 * Tells of certificates with few days left, when a connection is there and once a day until it is over. Keeps the latest
 * of each side; the function returned is to be told of each that a connection uses.
 */
export function watchCertificates(
  { environment, certificateWarningDays }: { environment: Environment; certificateWarningDays: number },
  listeners: Listeners<ClientEvents>,
): (certificate: CertificateSeen) => void {
  const latest = new Map<string, CertificateSeen>();
  let cancel = (): void => {};
  const look = (): void => {
    if (latest.size === 0) return;
    cancel = environment.setTimer(DAY_MS, look);
    for (const certificate of latest.values()) {
      const daysLeft = Math.floor((certificate.expiresAtMs - environment.wallClockMs()) / DAY_MS);
      if (daysLeft < certificateWarningDays) listeners.emit('certificateExpiring', { ...certificate, daysLeft });
    }
  };
  listeners.on('state', () => cancel());
  listeners.on('connected', look);
  return (certificate) => void latest.set(certificate.of, certificate);
}
