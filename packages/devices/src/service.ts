/** The device service: its parts (`service-parts.ts`), a broker, and what there is with both. What they do is theirs. */
import type { BrokerEvent } from '@dunlin/broker';
import type { Authorities, Method, RevocationSource } from '@dunlin/identity';
import { actingForService } from './actor.ts';
import type { StoredCertificate } from './authority/certificate-record.ts';
import { ExpiryWatch } from './authority/expiry-watch.ts';
import { after } from './awaitable.ts';
import type { Claims } from './claims/claims.ts';
import type { CredentialDesk } from './claims/device-credentials.ts';
import { Commands } from './commands/commands.ts';
import { GroupCommands } from './commands/group-commands.ts';
import { ConnectionEvents } from './connection-events.ts';
import { DeviceMethod } from './credentials/device-method.ts';
import type { Tokens } from './credentials/tokens.ts';
import { DeviceNumbersTopics } from './device-numbers.ts';
import { type SearchPage, type SearchQuery, searchDevices } from './device-search.ts';
import type { CommandLimits } from './limits/command-limits.ts';
import type { DeviceBroker, ServiceParts } from './ports.ts';
import { Connections } from './presence/connections.ts';
import { Presence } from './presence/presence.ts';
import type { PresenceRecord } from './presence/presence-table.ts';
import { DeviceCount } from './registry/device-count.ts';
import type { DeviceLookup } from './registry/known-device.ts';
import { ownFilters } from './registry/own-filters.ts';
import type { Registry } from './registry/registry.ts';
import type { DeviceTypes } from './registry/types.ts';
import {
  type CertificateService,
  closeParts,
  type DeviceParts,
  openParts,
  type PartsOptions,
} from './service-parts.ts';
import { type DatedCertificate, explainDevice, type WhyReport } from './why.ts';

export interface DeviceServiceOptions extends PartsOptions {
  /** Days before its end from which on a certificate is told of. */
  readonly warnDays?: number;
  readonly commandLimits?: Partial<CommandLimits>;
  /** How often numbers under `$SYS` are told anew; 0: never. Default 10. */
  readonly sysIntervalS?: number;
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

/** What comes after the parts that ask for it. */
interface Later {
  broker?: DeviceBroker | undefined;
  /** Counted from `begin` on. */
  count?: DeviceCount;
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
  /** Devices that ask for a place. */
  readonly claims: Claims;
  readonly #options: DeviceServiceOptions;
  readonly #parts: DeviceParts;
  readonly #events: ConnectionEvents;
  readonly #later: Later;
  readonly #ends: (() => void)[] = [];
  readonly #underWay = new Set<Promise<unknown>>();
  #attached: Attached | undefined;

  private constructor(options: DeviceServiceOptions, parts: DeviceParts, later: Later) {
    this.#options = options;
    this.#parts = parts;
    this.#later = later;
    this.#events = new ConnectionEvents(parts.identities);
    this.types = options.types;
    this.registry = parts.registry;
    this.tokens = parts.tokens;
    this.issuing = parts.issuing;
    this.desk = parts.desk;
    this.claims = parts.claims;
  }

  /** Settles when all is known that a device may be refused for. Nothing is left open where it rejects. */
  static async open(given: DeviceServiceOptions): Promise<DeviceService> {
    const later: Later = {};
    const tell: ServiceParts['tell'] = (event) => {
      later.count?.told(event);
      given.tell(event);
    };
    const options = { ...given, tell };
    return new DeviceService(options, await openParts(options, () => later.broker), later);
  }

  /** Who else knows revoked certificates; none where the service has no authority. */
  get revocationSources(): readonly RevocationSource[] {
    return this.issuing === undefined ? [] : [this.issuing.revocations];
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
    const { registry, tokens, checks, live, policy, sessions, refusals, identities } = this.#parts;
    identities.add(name);
    return new DeviceMethod({
      ...{ name, registry, tokens, checks, live, sessions, authorities, certificates: policy },
      onRefused: (refused) => refusals.refused(refused),
    });
  }

  /**
   * Gives the service the broker that devices connect to, before they do. Settles when it has taken up what it had to do; where
   * it rejects, all is as it was before.
   */
  async attach(broker: DeviceBroker): Promise<void> {
    this.#later.broker = broker;
    /** What was opened so far, the latest first. */
    const opened: { close(): unknown }[] = [];
    try {
      this.#attached = await this.#opening(broker, (part) => {
        opened.unshift(part);
        return part;
      });
    } catch (error) {
      this.#later.broker = undefined;
      for (const part of opened) await part.close();
      throw error;
    }
    this.#ends.push(
      this.registry.onChange((deviceId, registered) => {
        if (registered !== undefined) actingForService(() => this.#changed(deviceId));
      }),
      this.registry.onRemoval((deviceId) => this.commands.deviceRemoved(deviceId)),
      this.registry.onRemoval((deviceId) => this.#leave(deviceId)),
    );
  }

  /** `open`: told of each part that has to be closed again where a later one fails; returns it. */
  async #opening(
    broker: DeviceBroker,
    open: <Part extends { close(): unknown }>(part: Part) => Part,
  ): Promise<Attached> {
    const { types, registry, connections, issuing } = this;
    const lookup: DeviceLookup = (deviceId) =>
      after(
        registry.get(deviceId),
        (registered) => registered && { ...registered, type: types.get(registered.device.type) },
      );
    const parts = { ...this.#options, broker, connections, lookup };
    const presence = open(new Presence(parts));
    const commands = open(await Commands.open({ ...parts, types, limits: this.#options.commandLimits ?? {} }));
    const groupCommands = open(
      await GroupCommands.open({
        ...this.#options,
        commands,
        limits: commands.limits,
        commandsNamed: (name) => types.all.flatMap((type) => type.commands.get(name) ?? []),
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
        total: this.#later.count?.total,
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
    this.#later.count = new DeviceCount(this.#options.clock, this.registry, (error) => this.#failed(error));
    this.#do(presence.correct());
    this.#do(this.registry.resumeRemovals());
    if (expiry !== undefined) this.#do(expiry.walk());
  }

  /** Has to be told of every event of the broker. */
  brokerEvent(event: BrokerEvent): void {
    const told = this.#events.read(event);
    if (told !== undefined) this.connections.take(told);
    this.#parts.refusals.brokerEvent(event);
    this.#parts.sessions.brokerEvent(event);
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
      refusals: this.#parts.refusals,
      removed: (id) => this.#parts.removed?.get(id),
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
    this.#later.count?.close();
    this.#attached?.numbers.close();
    this.#attached?.expiry?.close();
    await this.#attached?.groupCommands.close();
    await this.#attached?.commands.close();
    await this.#attached?.presence.close();
    await closeParts(this.#parts);
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

  /**
   * Of who was removed: ends its sessions, has presence forget it, and clears what is retained on topics of its own, its wills
   * included. Whoever has the id next hears nothing of it.
   */
  async #leave(deviceId: string): Promise<void> {
    await this.#parts.sessions.removed(deviceId);
    await this.presence.deviceRemoved(deviceId);
    const removed = await this.registry.removed(deviceId);
    const type = removed && this.types.get(removed.device.type);
    if (removed === undefined || type === undefined) return;
    for (const filter of ownFilters(type, removed.device, removed.ownAttributes))
      await this.#later.broker?.clearRetained(filter);
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
