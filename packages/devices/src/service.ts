/** The device service: its parts, put together. What they do is theirs; here is who knows whom, and the order of it. */
import type { BrokerEvent } from '@dunlin/broker';
import type { Authorities, Method, PasswordVerifier, RevocationSource } from '@dunlin/identity';
import { actingForService } from './audit/actor.ts';
import { IssuedCertificatePolicy } from './authority/certificate-policy.ts';
import {
  type CertificateSettings,
  Certificates,
  type DeviceTrust,
  type StoredCertificate,
} from './authority/certificates.ts';
import { CrlPublisher } from './authority/crl-publisher.ts';
import { ExpiryWatch } from './authority/expiry-watch.ts';
import type { IssuingAuthority } from './authority/issuing-authority.ts';
import { OcspResponder } from './authority/ocsp-responder.ts';
import { Registration, type RegistrationRule } from './authority/registration.ts';
import { Revocations } from './authority/revocations.ts';
import { type ClaimLimits, resolveClaimLimits } from './claims/claim-limits.ts';
import { Claims } from './claims/claims.ts';
import { CredentialDesk } from './claims/device-credentials.ts';
import type { CommandLimits } from './commands/command-limits.ts';
import { Commands } from './commands/commands.ts';
import { GroupCommands } from './commands/group-commands.ts';
import { ConnectionEvents } from './connection-events.ts';
import { type CredentialLimits, resolveCredentialLimits } from './credentials/credential-limits.ts';
import { DeviceChecks } from './credentials/device-checks.ts';
import { DeviceIdentities } from './credentials/device-identity.ts';
import { DeviceMethod } from './credentials/device-method.ts';
import { FormerSessions } from './credentials/former-sessions.ts';
import { LiveDevices } from './credentials/live-devices.ts';
import { RefusalLog } from './credentials/refusal-log.ts';
import { Tokens } from './credentials/tokens.ts';
import { type DatedCertificate, explainDevice, type WhyReport } from './credentials/why.ts';
import { DeviceNumbersTopics } from './device-numbers.ts';
import { type SearchPage, type SearchQuery, searchDevices } from './device-search.ts';
import type { DeviceLookup } from './known-device.ts';
import type { DeviceBroker, ServiceParts, Tables } from './ports.ts';
import { Connections } from './presence/connections.ts';
import { Presence } from './presence/presence.ts';
import type { PresenceRecord } from './presence/presence-table.ts';
import { DeviceCount } from './registry/device-count.ts';
import { Registry } from './registry/registry.ts';
import type { DeviceTypes } from './registry/types.ts';

export interface DeviceServiceOptions extends ServiceParts {
  readonly types: DeviceTypes;
  /** That of the server, which bounds what short tokens cost. */
  readonly verifier: PasswordVerifier;
  /** Undefined: no certificates are issued. */
  readonly authority?: IssuingAuthority | undefined;
  readonly certificates?: Partial<CertificateSettings>;
  /** Days before its end from which on a certificate is told of. */
  readonly warnDays?: number;
  /** Foreign authorities whose devices are registered as they come. Default: none. */
  readonly registration?: readonly RegistrationRule[];
  readonly commandLimits?: Partial<CommandLimits>;
  readonly claimLimits?: Partial<ClaimLimits>;
  readonly credentialLimits?: Partial<CredentialLimits>;
  /** How often numbers under `$SYS` are told anew; 0: never. Default 10. */
  readonly sysIntervalS?: number;
}

/** What there is where the service has an authority of its own. */
export interface CertificateService {
  readonly authority: IssuingAuthority;
  readonly certificates: Certificates;
  readonly revocations: Revocations;
  readonly crl: CrlPublisher;
  readonly ocsp: OcspResponder;
}

/** How long the end of a server waits for what the service has to say. */
const SETTLE_MS_MAX = 10_000;
/** Of one device, in a report. */
const CERTIFICATES_TOLD = 20;

/** What there is from the moment on that the service has a broker. */
interface Attached {
  readonly commands: Commands;
  readonly groupCommands: GroupCommands;
  readonly presence: Presence;
  readonly expiry: ExpiryWatch | undefined;
  readonly numbers: DeviceNumbersTopics;
}

export class DeviceService {
  readonly types: DeviceTypes;
  readonly registry: Registry;
  readonly tokens: Tokens;
  readonly connections = new Connections();
  /** Undefined where the service has no authority. */
  readonly issuing: CertificateService | undefined;
  /** Credentials that devices and their owners get and end by themselves. */
  readonly desk: CredentialDesk;
  readonly #options: DeviceServiceOptions;
  readonly #checks: DeviceChecks;
  readonly #live: LiveDevices;
  readonly #refusals: RefusalLog;
  readonly #policy: IssuedCertificatePolicy;
  readonly #identities = new DeviceIdentities();
  readonly #events = new ConnectionEvents(this.#identities);
  readonly #sessions: FormerSessions;
  readonly #ends: (() => void)[] = [];
  readonly #underWay = new Set<Promise<unknown>>();
  #claims: Claims | undefined;
  #broker: DeviceBroker | undefined;
  #attached: Attached | undefined;
  /** Counted from `begin` on. */
  #count: DeviceCount | undefined;

  private constructor(given: DeviceServiceOptions, issuing: CertificateService | undefined) {
    const { types, clock, verifier, authority } = given;
    const tell: ServiceParts['tell'] = (event) => {
      this.#count?.told(event);
      given.tell(event);
    };
    const options = { ...given, tell };
    this.#options = options;
    this.types = types;
    this.issuing = issuing;
    this.registry = new Registry(options, types);
    const { tokensPerDeviceMax, registrationsPerMinuteMax } = resolveCredentialLimits(given.credentialLimits ?? {});
    this.tokens = new Tokens(options, this.registry, verifier, tokensPerDeviceMax);
    this.#checks = new DeviceChecks(types, authority?.name);
    this.#live = new LiveDevices({
      registry: this.registry,
      tokens: this.tokens,
      types,
      checks: this.#checks,
      clock,
      review: () => this.#broker?.review(),
    });
    this.#sessions = new FormerSessions({ identities: this.#identities, clock, broker: () => this.#broker });
    this.#refusals = new RefusalLog(clock, (deviceId) => this.#live.has(deviceId));
    const registration = new Registration(options, this.registry, options.registration ?? [], authority?.name, {
      perMinuteMax: registrationsPerMinuteMax,
    });
    this.#policy = new IssuedCertificatePolicy(issuing?.certificates, registration);
    this.desk = new CredentialDesk({ ...this.#claimParts, policy: this.#policy });
    if (issuing !== undefined)
      this.#ends.push(
        this.registry.onRemoval((deviceId) =>
          issuing.certificates.revokeAll(deviceId, { reason: 'cessationOfOperation', by: 'dunlin' }),
        ),
      );
  }

  /** Settles when all is known that a device may be refused for. Nothing is left open where it rejects. */
  static async open(options: DeviceServiceOptions): Promise<DeviceService> {
    const opened: { close(): unknown }[] = [];
    const tables: Tables = {
      table(definition) {
        const table = options.tables.table(definition);
        opened.unshift(table);
        return table;
      },
    };
    try {
      let service: DeviceService | undefined;
      const trust: DeviceTrust = {
        holds: async ({ device, generation, trust }) => {
          const now = await service?.registry.get(device.id);
          return now?.generation === generation && now.trust === trust;
        },
        withdraw: async (deviceId) => service?.registry.withdrawTrust(deviceId),
      };
      const issuing = await openIssuing({ ...options, tables }, trust, (part) => opened.unshift(part));
      service = new DeviceService({ ...options, tables }, issuing);
      service.#claims = await Claims.open({ ...service.#claimParts, desk: service.desk });
      return service;
    } catch (error) {
      // Whoever watches a table does so no longer when it is closed.
      for (const part of new Set(opened)) await part.close();
      throw error;
    }
  }

  /** Who else knows revoked certificates; none where the service has no authority. */
  get revocationSources(): readonly RevocationSource[] {
    return this.issuing === undefined ? [] : [this.issuing.revocations];
  }

  /** Devices that ask for a place. */
  get claims(): Claims {
    return this.#claims as Claims;
  }

  /** These are there when the service has a broker; before, they throw. */
  get commands(): Commands {
    return this.#withBroker.commands;
  }
  get groupCommands(): GroupCommands {
    return this.#withBroker.groupCommands;
  }
  get presence(): Presence {
    return this.#withBroker.presence;
  }

  /** The method of authentication `devices`, called `name`. `authorities`: those of the server. */
  method(name: string, authorities: Authorities): Method {
    this.#identities.add(name);
    return new DeviceMethod({
      name,
      registry: this.registry,
      tokens: this.tokens,
      checks: this.#checks,
      live: this.#live,
      authorities,
      certificates: this.#policy,
      sessions: this.#sessions,
      onRefused: (refused) => this.#refusals.refused(refused),
    });
  }

  /**
   * Gives the service the broker that devices connect to, before they do. Settles when it has taken up what it had to do; where
   * it rejects, all is as it was before.
   */
  async attach(broker: DeviceBroker): Promise<void> {
    this.#broker = broker;
    /** What was opened so far, the latest first. */
    const opened: { close(): unknown }[] = [];
    try {
      this.#attached = await this.#opening(broker, (part) => {
        opened.unshift(part);
        return part;
      });
    } catch (error) {
      this.#broker = undefined;
      for (const part of opened) await part.close();
      throw error;
    }
    this.#ends.push(
      this.registry.onChange((deviceId, registered) => {
        if (registered !== undefined) actingForService(() => this.#changed(deviceId));
      }),
      this.registry.onRemoval((deviceId) => this.commands.deviceChanged(deviceId)),
      this.registry.onRemoval((deviceId) => this.#leave(deviceId)),
    );
  }

  /** `open`: told of each part that has to be closed again where a later one fails; returns it. */
  async #opening(
    broker: DeviceBroker,
    open: <Part extends { close(): unknown }>(part: Part) => Part,
  ): Promise<Attached> {
    const { types, registry, connections, issuing } = this;
    const lookup: DeviceLookup = async (deviceId) => {
      const registered = await registry.get(deviceId);
      const type = registered && types.get(registered.device.type);
      return type && registered && { ...registered, type };
    };
    const parts = { ...this.#options, broker, connections, lookup };
    const presence = open(new Presence(parts));
    const commands = open(await Commands.open({ ...parts, types, limits: this.#options.commandLimits ?? {} }));
    const groupCommands = open(
      await GroupCommands.open({
        ...this.#options,
        commands,
        limits: commands.limits,
        hasCommand: (name) => types.all.some((type) => type.commands.has(name)),
        members: async (group, cursor, limit) => {
          const page = await registry.list({ group, limit, ...(cursor !== undefined && { cursor }) });
          return { deviceIds: page.devices.map(({ device }) => device.id), cursor: page.cursor };
        },
      }),
    );
    const { warnDays } = this.#options;
    const expiry =
      issuing && open(new ExpiryWatch(this.#options, issuing, broker, { ...(warnDays !== undefined && { warnDays }) }));
    const numbers = open(
      new DeviceNumbersTopics(parts, this.#options.sysIntervalS ?? 10, () => ({
        total: this.#count?.total,
        connected: connections.size,
        'commands/pending': commands.open,
        'certificates/expiring': expiry?.counts?.expiring,
        'certificates/expired': expiry?.counts?.expired,
        'certificates/revoked': issuing?.revocations.size,
      })),
    );
    return { commands, groupCommands, presence, expiry, numbers };
  }

  /** What may take its time, and need not be done before devices connect: what a crash left, certificates that end. */
  begin(): void {
    const { presence, expiry } = this.#withBroker;
    this.#count = new DeviceCount(this.#options.clock, this.registry, (error) => this.#failed(error));
    this.#do(presence.correct());
    this.#do(this.registry.resumeRemovals());
    if (expiry !== undefined) this.#do(expiry.walk());
  }

  /** Has to be told of every event of the broker. */
  brokerEvent(event: BrokerEvent): void {
    const told = this.#events.read(event);
    if (told !== undefined) this.connections.take(told);
    this.#refusals.brokerEvent(event);
    this.#sessions.brokerEvent(event);
  }

  /** A page of devices. @throws DeviceError 'invalid', 'cursor-invalid' */
  search(query: SearchQuery): Promise<SearchPage> {
    const { registry, presence } = this;
    return searchDevices(query, { registry, presence, clock: this.#options.clock });
  }

  /** Why a device does not come in, or what it needs. */
  why(deviceId: string): Promise<WhyReport<DatedCertificate, PresenceRecord>> {
    const { registry, types, tokens } = this;
    return explainDevice(deviceId, {
      registry,
      types,
      tokens,
      refusals: this.#refusals,
      clock: this.#options.clock,
      certificates: async (id) => (await this.#certificatesOf(id)).map(({ key, value }) => ({ serial: key, ...value })),
      presence: (id) => this.presence.get(id),
    });
  }

  /**
   * Settles when presence says of every device what the broker has told of it (or 10 s have passed), and what was begun for
   * changes of the registry is done. Then the broker may stop.
   */
  async settle(): Promise<void> {
    this.#attached?.numbers.close();
    this.#attached?.expiry?.close();
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = this.#options.clock.every(SETTLE_MS_MAX, resolve);
    await this.#attached?.presence.settle(late);
    await Promise.race([late, Promise.all([Promise.allSettled(this.#underWay), this.registry.removalsIdle()])]);
    timer.cancel();
  }

  /** Settles when nothing is under way any more. The broker may have stopped before. */
  async close(): Promise<void> {
    this.registry.closeRemovals();
    for (const end of this.#ends) end();
    this.#live.close();
    this.#count?.close();
    this.#attached?.numbers.close();
    this.#attached?.expiry?.close();
    await this.#claims?.close();
    await this.desk.close();
    await this.#attached?.groupCommands.close();
    await this.#attached?.commands.close();
    await this.#attached?.presence.close();
    this.issuing?.crl.close();
    this.issuing?.revocations.close();
    await this.issuing?.certificates.close();
    await this.tokens.close();
    await this.registry.close();
  }

  get #claimParts() {
    const { registry, tokens, types, issuing } = this;
    return {
      ...this.#options,
      registry,
      tokens,
      types,
      issuing,
      limits: resolveClaimLimits(this.#options.claimLimits ?? {}),
    };
  }

  get #withBroker(): Attached {
    if (this.#attached !== undefined) return this.#attached;
    throw new Error('Cannot use commands and presence: a broker is expected to be attached before');
  }

  async #certificatesOf(deviceId: string): Promise<readonly StoredCertificate[]> {
    return (await this.issuing?.certificates.list(deviceId, { limit: CERTIFICATES_TOLD }))?.records ?? [];
  }

  #changed(deviceId: string): void {
    const { commands, presence } = this.#withBroker;
    this.#do(commands.deviceChanged(deviceId));
    this.#do(presence.deviceChanged(deviceId));
  }

  /** Of who was removed: ends the session that its last client left, which presence forgets then. */
  async #leave(deviceId: string): Promise<void> {
    const last = await this.presence.get(deviceId);
    if (last !== undefined) this.#sessions.end(last.clientId, deviceId, undefined);
    await this.presence.deviceRemoved(deviceId);
  }

  /** Work that nobody waits for but `settle`. */
  #do(work: Promise<unknown>): void {
    const done = work.catch((error) => this.#failed(error)).finally(() => this.#underWay.delete(done));
    this.#underWay.add(done);
  }

  #failed(error: unknown): void {
    this.#options.tell({ name: 'deviceServiceFailed', error: String(error) });
  }
}

/** What there is with an authority. `open`: told of each part that has to be closed where a later one fails. */
async function openIssuing(
  options: DeviceServiceOptions,
  trust: DeviceTrust,
  open: (part: { close(): unknown }) => void,
): Promise<CertificateService | undefined> {
  const { authority, clock } = options;
  if (authority === undefined) return undefined;
  const { certificatesPerDeviceMax: perDeviceMax } = resolveCredentialLimits(options.credentialLimits ?? {});
  const certificates = new Certificates(options, authority, { ...options.certificates, perDeviceMax }, trust);
  const revocations = await Revocations.open(certificates.table, clock);
  open(revocations);
  const crl = new CrlPublisher(authority, revocations, clock);
  open(crl);
  return { authority, certificates, revocations, crl, ocsp: new OcspResponder(authority, certificates, clock) };
}
