/** What the API answers of devices, as far as this command reads it. Moments are wall clock, milliseconds since 1970. */

export interface DeviceAnswer {
  readonly id: string;
  readonly type: string;
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly groups: readonly string[];
  readonly owner?: string;
  readonly enabled: boolean;
  readonly authority?: string;
  readonly createdAtMs: number;
  readonly changedAtMs: number;
  readonly revision: number;
}

/** A type of the configuration. */
export interface TypeAnswer {
  readonly name: string;
  readonly credential: 'token' | 'certificate' | 'either';
}

export interface TokenAnswer {
  readonly id: string;
  readonly label: string;
  readonly createdAtMs: number;
  readonly endsAtMs?: number;
  readonly lastUsedAtMs?: number;
}

export interface IssuedTokenAnswer {
  readonly tokenId: string;
  /** Absent where one was imported: who gave it has it. */
  readonly token?: string;
  readonly expiresAtMs?: number;
}

export interface CertificateAnswer {
  readonly serial: string;
  readonly notAfterMs: number;
  readonly revokedAtMs?: number;
  readonly replacedBy?: string;
}

export interface IssuedCertificateAnswer {
  readonly serial: string;
  readonly notAfterMs: number;
  /** PEM, as are the others. */
  readonly chain: string;
  readonly authorities: string;
  readonly key?: string;
}

export interface PresenceAnswer {
  readonly deviceId: string;
  readonly connected: boolean;
  /** 0: it never came. */
  readonly session: number;
  readonly clientId?: string;
  readonly address?: string;
  readonly listener?: string;
  readonly protocolVersion?: number;
  readonly reason?: string;
  readonly connectedAtMs?: number;
  readonly disconnectedAtMs?: number;
  readonly lastSeenAtMs?: number;
}

export interface CommandAnswer {
  readonly id: string;
  readonly deviceId: string;
  readonly type: string;
  readonly state: 'queued' | 'sent' | 'acknowledged' | 'expired' | 'failed';
  readonly confirmed: boolean;
  /** The device says itself that it was done. */
  readonly awaitsAcknowledgement: boolean;
  readonly attempts: number;
  readonly requestedAtMs: number;
  readonly expiresAtMs: number;
  readonly endedAtMs?: number;
  readonly why: string;
}

export interface ClaimAnswer {
  readonly claimId: string;
  readonly type: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly address: string;
  readonly state: 'open' | 'confirmed' | 'collected';
  readonly owner?: string;
  readonly deviceId?: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
}

export interface ConfirmedAnswer {
  readonly deviceId: string;
  readonly type: string;
  readonly name: string;
}

/** A command to a group. */
export interface BatchAnswer {
  readonly id: string;
  readonly group: string;
  readonly type: string;
  /** `done`: each member was asked for. */
  readonly state: 'running' | 'done' | 'cancelled' | 'expired';
  /** Members for which a command was taken. */
  readonly requested: number;
  readonly refused: number;
  readonly refusals: readonly { readonly deviceId: string; readonly code: string }[];
}

export interface RefusalAnswer {
  readonly check: string;
  readonly detail?: string;
  readonly clientId: string;
  readonly address?: string;
  readonly listener?: string;
  readonly firstAtMs: number;
  readonly lastAtMs: number;
  readonly count: number;
}

export interface WhyAnswer {
  readonly deviceId: string;
  readonly isKnown: boolean;
  readonly hindrances: readonly string[];
  readonly tokens: readonly TokenAnswer[];
  readonly certificates: readonly CertificateAnswer[];
  readonly presence?: PresenceAnswer;
  readonly refusals: readonly RefusalAnswer[];
}

/** An entry of the audit log. */
export interface AuditAnswer {
  readonly atMs: number;
  readonly by: string;
  readonly proof?: string;
  /** Empty: from the machine of the server. */
  readonly address: string;
  readonly action: string;
  readonly target: string;
  readonly before?: unknown;
  readonly after?: unknown;
}

export interface ImportAnswer {
  readonly added: number;
  readonly changed: number;
  readonly unchanged: number;
  readonly tokens: number;
  readonly weakTokens: number;
  readonly faulty: number;
  readonly faults: readonly { readonly line: number; readonly problem: string }[];
}

/** Path of a device in the API, or below it. Its id was checked. */
export function devicePath(id: string, ...below: readonly string[]): string {
  return ['/api/v1/devices', ...[id, ...below].map(encodeURIComponent)].join('/');
}
