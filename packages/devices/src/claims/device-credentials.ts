/** The credentials that devices get without anybody who manages them: by a claim, by renewal, and taken away by their owner. */
import { type CertificateFacts, type Clock, shownUsername } from '@dunlin/broker';
import { quoted } from '@dunlin/protocol';
import { actingAs } from '../actor.ts';
import type { Certificates } from '../authority/certificates.ts';
import type { IssuedCertificate, IssuingAuthority } from '../authority/issuing-authority.ts';
import type { CertificatePolicy } from '../credentials/device-method.ts';
import type { Tokens } from '../credentials/tokens.ts';
import { DeviceError } from '../device-error.ts';
import type { ClaimLimits } from '../limits/claim-limits.ts';
import type { ServiceParts } from '../ports.ts';
import type { RegisteredDevice, Registry } from '../registry/registry.ts';
import type { DeviceTypes } from '../registry/types.ts';
import { Attempts } from './attempts.ts';
import { Renewals, type RenewalToken } from './renewals.ts';

/** What a device is given, shown once. */
export interface DeviceCredentials {
  /** For a device that shows a token. */
  readonly token?: string;
  readonly certificate?: GivenCertificate;
  /** With `certificate`: by it the device renews, also when the certificate has ended. */
  readonly renewal?: RenewalToken;
}

export interface GivenCertificate extends IssuedCertificate {
  /** PEM: the chain of the authority. */
  readonly authorities: string;
}

/** What there is where certificates are issued. */
export interface Issuing {
  readonly authority: IssuingAuthority;
  readonly certificates: Certificates;
}

export interface CredentialParts extends ServiceParts {
  readonly registry: Registry;
  readonly tokens: Tokens;
  readonly types: DeviceTypes;
  /** Undefined: no certificates are issued. */
  readonly issuing: Issuing | undefined;
  readonly policy: Pick<CertificatePolicy, 'shown'>;
  readonly limits: ClaimLimits;
}

/** A CSR, or none for a key that is made here. */
export interface Wish {
  readonly csr?: string | undefined;
}

const DAY_MS = 86_400_000;
/** As with certificates: long enough for a device that was cut off right after it asked. */
const OVERLAP_MS = 7 * DAY_MS;

export class CredentialDesk {
  readonly #parts: CredentialParts;
  readonly #clock: Clock;
  readonly #renewals: Renewals;
  readonly #attempts: Attempts;

  constructor(parts: CredentialParts) {
    this.#parts = parts;
    this.#clock = parts.clock;
    this.#renewals = new Renewals(parts, parts.registry, OVERLAP_MS);
    this.#attempts = new Attempts(parts.clock, DAY_MS, parts.limits.renewalsPerDayMax);
  }

  /**
   * Gives a device credentials in place of all that it had. A second time, after a crash or because an answer was lost, the
   * first ones end: nobody holds them. `csrName`: as in `IssueRequest`.
   * @throws DeviceError 'unknown-device' where the device was removed or disabled, or lost its credentials meanwhile
   */
  async provide(
    registered: RegisteredDevice,
    { csr, csrName, by }: Wish & { readonly csrName: string; readonly by: string },
  ): Promise<DeviceCredentials> {
    const { issuing, tokens } = this.#parts;
    const { device } = registered;
    await this.#renewals.revoke(device.id);
    await issuing?.certificates.supersedeAll(device.id, by);
    await tokens.clear(registered, by);
    if (issuing === undefined || !wantsCertificate(this.#parts.types, device.type, csr)) {
      const { token } = await tokens.issue(device.id, { by, label: 'claim' });
      await this.#checkTrust(registered, () => tokens.clear(registered, by));
      return { token };
    }
    const options = { by, csrName, ...(csr !== undefined && { csr }) };
    const certificate = await issuing.certificates.issue(registered, options);
    const renewal = await this.#renewals.issue(registered, this.#renewalEnd(certificate));
    return { certificate: { ...certificate, authorities: issuing.authority.serverAuthorities }, renewal };
  }

  /** Takes every credential of the device away; whoever is connected with one goes. It may not renew any more. */
  async end(registered: RegisteredDevice, by: string): Promise<void> {
    const { issuing, tokens } = this.#parts;
    const { id } = registered.device;
    // First what could make others.
    await this.#parts.registry.withdrawTrust(id);
    await this.#renewals.revoke(id);
    await issuing?.certificates.revokeAll(id, { reason: 'privilegeWithdrawn', by });
    await tokens.clear(registered, by);
  }

  /** What a device was given, once more. @throws DeviceError 'claim-revoked' where it was revoked since */
  async sameAgain<Given extends { readonly deviceId: string; readonly credentials: DeviceCredentials }>(
    given: Given,
  ): Promise<Given> {
    if (await this.#counts(given.deviceId, given.credentials)) return given;
    throw new DeviceError(
      'claim-revoked',
      'Cannot collect again: the credentials were revoked; a new claim is expected',
    );
  }

  /**
   * Renews the certificate of a device that shows its renewal token. It may have ended, but not be revoked.
   * @throws DeviceError 'renewal-refused' alike for every reason, 'renewal-limit'; CertificateError
   */
  async renewByToken(deviceId: string, token: string, address: string, wish: Wish): Promise<DeviceCredentials> {
    const registered = await this.#parts.registry.get(deviceId);
    const isRight = await this.#renewals.check(registered, token);
    if (registered === undefined) throw this.#refused(deviceId, address, 'there is no such device', false);
    if (!isRight) throw this.#refused(deviceId, address, 'the token is none of the device');
    const latest = await this.#parts.issuing?.certificates.toRenew(registered);
    if (latest === undefined) throw this.#refused(deviceId, address, 'its certificate is revoked');
    return this.#renew(registered, latest.key, { address, shown: token, ...wish });
  }

  /**
   * Renews the certificate that a device has shown in TLS and that was found good: `facts` say so.
   * @throws DeviceError as `renewByToken`; CertificateError
   */
  async renewByCertificate(facts: CertificateFacts, address: string, wish: Wish): Promise<DeviceCredentials> {
    const { registry, issuing, policy } = this.#parts;
    const deviceId = facts.commonName ?? '';
    const registered = await registry.get(deviceId);
    if (registered === undefined) throw this.#refused(deviceId, address, 'there is no such device', false);
    if (issuing === undefined || facts.authority !== issuing.authority.name)
      throw this.#refused(deviceId, address, 'its certificate is of another authority');
    const refusal = await policy.shown(registered, facts);
    if (refusal !== undefined) throw this.#refused(deviceId, address, refusal.detail ?? refusal.check);
    return this.#renew(registered, facts.serial, { address, shown: undefined, ...wish });
  }

  /** Renews for the owner of a device, who carries the file to it. @throws DeviceError as `renewByToken`, 'credential-kind'; CertificateError */
  async renewForOwner(registered: RegisteredDevice, wish: Wish & { readonly by: string }): Promise<GivenCertificate> {
    const { issuing } = this.#parts;
    const latest = await issuing?.certificates.toRenew(registered);
    if (issuing === undefined || latest === undefined)
      throw refused(registered.device.id, 'it has no certificate that counts; a new claim is expected');
    this.#count(registered.device.id);
    const options = { by: wish.by, ...(wish.csr !== undefined && { csr: wish.csr }) };
    const certificate = await issuing.certificates.renew(registered, latest.key, options);
    return { ...certificate, authorities: issuing.authority.serverAuthorities };
  }

  /** Until when the owner need not do anything, and what the device has; for its owner. */
  async state(registered: RegisteredDevice): Promise<CredentialState> {
    const { issuing, tokens } = this.#parts;
    const nowMs = this.#clock.nowMs();
    const ends = ((await issuing?.certificates.unrevoked(registered)) ?? []).map(({ value }) => value.notAfterMs);
    const hasToken = (await tokens.list(registered)).some(({ endsAtMs }) => endsAtMs > nowMs);
    const renewableUntilMs = await this.#renewals.endOf(registered);
    return { hasToken, certificateEndsAtMs: ends.length === 0 ? undefined : Math.max(...ends), renewableUntilMs };
  }

  close(): Promise<void> {
    return this.#renewals.close();
  }

  /** Whether nobody has revoked it. */
  async #counts(deviceId: string, { certificate, token }: DeviceCredentials): Promise<boolean> {
    const { issuing, registry, tokens } = this.#parts;
    if (token !== undefined)
      return (await tokens.check(await registry.get(deviceId), Buffer.from(token))).kind === 'right';
    const stored = certificate && (await issuing?.certificates.get(certificate.serial));
    return stored?.value.revokedAtMs === undefined || stored.value.reason === 'superseded';
  }

  async #renew(
    registered: RegisteredDevice,
    serial: string,
    { address, shown, csr }: Wish & { readonly address: string; readonly shown: string | undefined },
  ): Promise<DeviceCredentials> {
    const { issuing, types, tell } = this.#parts;
    const { device } = registered;
    if (
      issuing === undefined ||
      !device.enabled ||
      (device.authority ?? issuing.authority.name) !== issuing.authority.name
    )
      throw this.#refused(device.id, address, 'it is disabled, or its authority is another one');
    const credential = types.get(device.type)?.type.credential;
    if (credential === undefined) throw this.#refused(device.id, address, 'its type is gone');
    if (credential === 'token') throw this.#refused(device.id, address, 'its type takes tokens only');
    this.#count(device.id);
    const by = shown === undefined ? 'certificate' : 'token';
    const options = { by: `device:${device.id}`, ...(csr !== undefined && { csr }) };
    const actor = { by: options.by, proof: shown === undefined ? `certificate ${serial}` : 'renewal token' };
    const [certificate, renewal] = await actingAs(actor, async () => {
      const renewed = await issuing.certificates.renew(registered, serial, options);
      const replacing = this.#renewals.replace(registered, this.#renewalEnd(renewed), shown);
      const token = await replacing.catch(async (error: unknown) => {
        // Nobody was given it.
        await issuing.certificates.revoke(renewed.serial, { reason: 'privilegeWithdrawn', by: options.by });
        throw error;
      });
      return [renewed, token] as const;
    }).catch((error: unknown) => {
      if (!(error instanceof DeviceError && error.code === 'unknown-device')) throw error;
      throw this.#refused(device.id, address, 'it was removed or disabled, or lost credentials meanwhile');
    });
    tell({ name: 'certificateRenewed', deviceId: device.id, serial: certificate.serial, by });
    return { certificate: { ...certificate, authorities: issuing.authority.serverAuthorities }, renewal };
  }

  /** Takes away what was just made where a revocation came first. @throws DeviceError 'unknown-device' */
  async #checkTrust({ device, generation, trust }: RegisteredDevice, undo: () => Promise<void>): Promise<void> {
    const now = await this.#parts.registry.get(device.id);
    if (now?.generation === generation && now.trust === trust) return;
    await undo();
    throw new DeviceError(
      'unknown-device',
      `Cannot give credentials to ${quoted(device.id)}: it was removed or disabled, or lost credentials meanwhile`,
    );
  }

  /** @throws DeviceError 'renewal-limit' */
  #count(deviceId: string): void {
    if (this.#attempts.take(deviceId)) return;
    const detail = `${this.#parts.limits.renewalsPerDayMax} are allowed`;
    this.#parts.tell({ name: 'deviceLimitReached', limit: 'renewalsPerDayMax', deviceId, detail });
    throw new DeviceError('renewal-limit', `Cannot renew the certificate of ${quoted(deviceId)}: ${detail} a day`);
  }

  #renewalEnd({ notAfterMs }: IssuedCertificate): number {
    return notAfterMs + this.#parts.limits.renewalTokenDays * DAY_MS;
  }

  /** Operators learn why; whoever asks does not. */
  #refused(deviceId: string, address: string, why: string, isKnown = true): DeviceError {
    // A device may have sent its token in the wrong place.
    this.#parts.tell({ name: 'renewalRefused', deviceId: shownUsername(deviceId) ?? '', address, why, isKnown });
    return refused(
      deviceId,
      'what was shown does not count; a renewal token or a certificate of the device is expected',
    );
  }
}

/** What the owner of a device is shown of its credentials. Wall clock. */
export interface CredentialState {
  readonly hasToken: boolean;
  /** Of the one that ends last, and is not revoked. */
  readonly certificateEndsAtMs: number | undefined;
  /** Until when the device can renew by itself. */
  readonly renewableUntilMs: number | undefined;
}

/** Of types that take either a request says what the device wants. */
export function wantsCertificate(types: DeviceTypes, type: string, csr: string | undefined): boolean {
  const credential = types.get(type)?.type.credential;
  return credential === 'certificate' || (credential === 'either' && csr !== undefined);
}

function refused(deviceId: string, why: string): DeviceError {
  return new DeviceError(
    'renewal-refused',
    `Cannot renew the certificate of ${quoted(deviceId.slice(0, 128))}: ${why}`,
  );
}
