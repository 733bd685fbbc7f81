/** Watches when the certificates of a connection end. */

import type { ClientEvents } from './client-api.ts';
import type { CertificateSeen } from './dial.ts';
import type { Environment } from './environment.ts';

const DAY_MS = 86_400_000;

/** Keeps the latest certificate of each side, and tells of those with few days left. */
export class CertificateWatch {
  readonly #environment: Environment;
  readonly #warningDays: number;
  readonly #tell: ClientEvents['certificateExpiring'];
  readonly #seen = new Map<string, CertificateSeen>();
  #cancel: (() => void) | undefined;

  constructor(environment: Environment, warningDays: number, tell: ClientEvents['certificateExpiring']) {
    this.#environment = environment;
    this.#warningDays = warningDays;
    this.#tell = tell;
  }

  /** A connection uses the certificate. */
  seen(certificate: CertificateSeen): void {
    this.#seen.set(certificate.of, certificate);
  }

  /** A connection is there: now, and once a day until `stop`. */
  start(): void {
    this.stop();
    if (this.#seen.size === 0) return;
    this.#cancel = this.#environment.setTimer(DAY_MS, () => this.start());
    for (const certificate of this.#seen.values()) {
      const daysLeft = Math.floor((certificate.expiresAtMs - this.#environment.wallClockMs()) / DAY_MS);
      if (daysLeft < this.#warningDays) this.#tell({ ...certificate, daysLeft });
    }
  }

  stop(): void {
    this.#cancel?.();
  }
}
