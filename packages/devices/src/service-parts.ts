/** What the device service is made of before it has a broker: who knows whom, and the order in which it opens and closes. */
import type { PasswordVerifier } from '@dunlin/identity';
import { IssuedCertificatePolicy } from './authority/certificate-policy.ts';
import { type CertificateSettings, Certificates } from './authority/certificates.ts';
import { CrlPublisher } from './authority/crl-publisher.ts';
import { deviceTrust } from './authority/device-trust.ts';
import type { IssuingAuthority } from './authority/issuing-authority.ts';
import { OcspResponder } from './authority/ocsp-responder.ts';
import { Registration, type RegistrationRule } from './authority/registration.ts';
import { Revocations } from './authority/revocations.ts';
import { Claims } from './claims/claims.ts';
import { CredentialDesk } from './claims/device-credentials.ts';
import { DeviceChecks } from './credentials/device-checks.ts';
import { DeviceIdentities } from './credentials/device-identity.ts';
import { FormerSessions } from './credentials/former-sessions.ts';
import { LiveDevices } from './credentials/live-devices.ts';
import { RefusalLog } from './credentials/refusal-log.ts';
import { Tokens } from './credentials/tokens.ts';
import { type ClaimLimits, resolveClaimLimits } from './limits/claim-limits.ts';
import { type CredentialLimits, resolveCredentialLimits } from './limits/credential-limits.ts';
import type { DeviceBroker, ServiceParts, Tables } from './ports.ts';
import { Registry } from './registry/registry.ts';
import { RemovedIds } from './registry/removed-ids.ts';
import type { DeviceTypes } from './registry/types.ts';

export interface PartsOptions extends ServiceParts {
  readonly types: DeviceTypes;
  /** That of the server, which bounds what short tokens cost. */
  readonly verifier: PasswordVerifier;
  /** Undefined: no certificates are issued. */
  readonly authority?: IssuingAuthority | undefined;
  readonly certificates?: Partial<CertificateSettings>;
  /** Foreign authorities whose devices are registered as they come. Default: none. */
  readonly registration?: readonly RegistrationRule[];
  readonly claimLimits?: Partial<ClaimLimits>;
  readonly credentialLimits?: Partial<CredentialLimits>;
}

/** What there is where the service has an authority of its own. */
export interface CertificateService {
  readonly authority: IssuingAuthority;
  readonly certificates: Certificates;
  readonly revocations: Revocations;
  readonly crl: CrlPublisher;
  readonly ocsp: OcspResponder;
}

export interface DeviceParts {
  readonly registry: Registry;
  /** Undefined where nobody is registered as it comes. */
  readonly removed: RemovedIds | undefined;
  readonly tokens: Tokens;
  readonly issuing: CertificateService | undefined;
  readonly checks: DeviceChecks;
  readonly live: LiveDevices;
  readonly identities: DeviceIdentities;
  readonly sessions: FormerSessions;
  readonly refusals: RefusalLog;
  readonly policy: IssuedCertificatePolicy;
  readonly desk: CredentialDesk;
  readonly claims: Claims;
}

/**
 * `broker`: asked when there is something for it; undefined where the service has none. Settles when all is known that a device
 * may be refused for. Nothing is left open where it rejects.
 */
export async function openParts(given: PartsOptions, broker: () => DeviceBroker | undefined): Promise<DeviceParts> {
  /** The latest first. */
  const opened: { close(): unknown }[] = [];
  const tables: Tables = {
    table(definition) {
      const table = given.tables.table(definition);
      opened.unshift(table);
      return table;
    },
  };
  try {
    return await putTogether({ ...given, tables }, broker, (part) => opened.unshift(part));
  } catch (error) {
    // Whoever watches a table does so no longer when it is closed.
    for (const part of new Set(opened)) await part.close();
    throw error;
  }
}

/** Settles when nothing is under way any more. */
export async function closeParts({
  registry,
  removed,
  tokens,
  issuing,
  live,
  desk,
  claims,
}: DeviceParts): Promise<void> {
  live.close();
  await claims.close();
  await desk.close();
  issuing?.crl.close();
  issuing?.revocations.close();
  await issuing?.certificates.close();
  await tokens.close();
  await removed?.close();
  await registry.close();
}

/** `open`: told of each part but tables that has to be closed where a later one fails. */
async function putTogether(
  options: PartsOptions,
  broker: () => DeviceBroker | undefined,
  open: (part: { close(): unknown }) => void,
): Promise<DeviceParts> {
  const { types, clock, authority } = options;
  const { registration: rules = [], credentialLimits = {} } = options;
  const { tokensPerDeviceMax, registrationsPerMinuteMax, removedIdsMax } = resolveCredentialLimits(credentialLimits);
  const registry = new Registry(options, types);
  const removed = rules.length === 0 ? undefined : new RemovedIds(options, registry, removedIdsMax);
  const issuing = await openIssuing(options, registry, open);
  const tokens = new Tokens(options, registry, options.verifier, tokensPerDeviceMax);
  const checks = new DeviceChecks(types, authority?.name);
  const live = new LiveDevices({ registry, tokens, types, checks, clock, review: () => broker()?.review() });
  const identities = new DeviceIdentities();
  const sessions = new FormerSessions({ identities, clock, broker });
  const refusals = new RefusalLog(clock, (deviceId) => live.has(deviceId));
  const registration = new Registration(options, registry, rules, authority?.name, removed, {
    perMinuteMax: registrationsPerMinuteMax,
  });
  const policy = new IssuedCertificatePolicy(issuing?.certificates, registration);
  const limits = resolveClaimLimits(options.claimLimits ?? {});
  const desk = new CredentialDesk({ ...options, registry, tokens, issuing, policy, limits });
  const claims = await Claims.open({ ...options, registry, issuing, limits, desk });
  return { registry, removed, tokens, issuing, checks, live, identities, sessions, refusals, policy, desk, claims };
}

/** What there is with an authority. */
async function openIssuing(
  options: PartsOptions,
  registry: Registry,
  open: (part: { close(): unknown }) => void,
): Promise<CertificateService | undefined> {
  const { authority, clock } = options;
  if (authority === undefined) return undefined;
  const { certificatesPerDeviceMax: perDeviceMax } = resolveCredentialLimits(options.credentialLimits ?? {});
  const certificates = new Certificates(
    options,
    authority,
    { ...options.certificates, perDeviceMax },
    deviceTrust(registry),
  );
  const revocations = await Revocations.open(certificates.table, clock);
  open(revocations);
  const crl = new CrlPublisher(authority, revocations, clock);
  open(crl);
  registry.onRemoval((deviceId) => certificates.revokeAll(deviceId, { reason: 'cessationOfOperation', by: 'dunlin' }));
  return { authority, certificates, revocations, crl, ocsp: new OcspResponder(authority, certificates, clock) };
}
