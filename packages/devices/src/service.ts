/** The device service: its parts, put together. What they do is theirs; here is who knows whom, and the order of it. */
import type { BrokerEvent } from '@dunlin/broker';
import type { Authorities, Method, PasswordVerifier, RevocationSource } from '@dunlin/identity';
import { type CertificateSettings, Certificates } from './authority/certificates.ts';
import { CrlPublisher } from './authority/crl-publisher.ts';
import type { IssuingAuthority } from './authority/issuing-authority.ts';
import { OcspResponder } from './authority/ocsp-responder.ts';
import { Revocations } from './authority/revocations.ts';
import { Commands } from './commands/commands.ts';
import { ConnectionEvents } from './connection-events.ts';
import { DeviceChecks } from './credentials/device-checks.ts';
import { DeviceMethod } from './credentials/device-method.ts';
import { LiveDevices } from './credentials/live-devices.ts';
import { Tokens } from './credentials/tokens.ts';
import type { DeviceBroker, ServiceParts } from './ports.ts';
import { Connections } from './presence/connections.ts';
import { Registry } from './registry/registry.ts';
import type { DeviceTypes } from './registry/types.ts';

export interface DeviceServiceOptions extends ServiceParts {
  readonly types: DeviceTypes;
  /** That of the server, which bounds what short tokens cost. */
  readonly verifier: PasswordVerifier;
  /** Undefined: no certificates are issued. */
  readonly authority?: IssuingAuthority | undefined;
  readonly certificates?: Partial<CertificateSettings>;
}

/** What there is where the service has an authority of its own. */
export interface CertificateService {
  readonly authority: IssuingAuthority;
  readonly certificates: Certificates;
  readonly revocations: Revocations;
  readonly crl: CrlPublisher;
  readonly ocsp: OcspResponder;
}

/** What there is from the moment on that the service has a broker. */
interface Attached {
  readonly commands: Commands;
}

export class DeviceService {
  readonly types: DeviceTypes;
  readonly registry: Registry;
  readonly tokens: Tokens;
  readonly connections = new Connections();
  /** Undefined where the service has no authority. */
  readonly issuing: CertificateService | undefined;
  readonly #options: DeviceServiceOptions;
  readonly #checks: DeviceChecks;
  readonly #live: LiveDevices;
  readonly #events = new ConnectionEvents();
  readonly #ends: (() => void)[] = [];
  #broker: DeviceBroker | undefined;
  #attached: Attached | undefined;

  private constructor(options: DeviceServiceOptions, issuing: CertificateService | undefined) {
    const { types, clock, verifier, authority } = options;
    this.#options = options;
    this.types = types;
    this.issuing = issuing;
    this.registry = new Registry(options, types);
    this.tokens = new Tokens(options, this.registry, verifier);
    this.#checks = new DeviceChecks(types, authority?.name);
    this.#live = new LiveDevices({
      registry: this.registry,
      tokens: this.tokens,
      types,
      checks: this.#checks,
      clock,
      review: () => this.#broker?.review(),
    });
  }

  /** Settles when all is known that a device may be refused for. */
  static async open(options: DeviceServiceOptions): Promise<DeviceService> {
    const { authority, clock } = options;
    if (authority === undefined) return new DeviceService(options, undefined);
    const certificates = new Certificates(options, authority, options.certificates);
    const revocations = await Revocations.open(certificates.table, clock);
    const crl = new CrlPublisher(authority, revocations, clock);
    const ocsp = new OcspResponder(authority, certificates, clock);
    return new DeviceService(options, { authority, certificates, revocations, crl, ocsp });
  }

  /** Who else knows revoked certificates; none where the service has no authority. */
  get revocationSources(): readonly RevocationSource[] {
    return this.issuing === undefined ? [] : [this.issuing.revocations];
  }

  /** Where the service has no broker yet, this throws. */
  get commands(): Commands {
    if (this.#attached === undefined)
      throw new Error('Cannot use commands: a broker is expected to be attached before');
    return this.#attached.commands;
  }

  /** The method of authentication `devices`, called `name`. `authorities`: those of the server. */
  method(name: string, authorities: Authorities): Method {
    this.#events.add(name);
    return new DeviceMethod({
      name,
      registry: this.registry,
      tokens: this.tokens,
      checks: this.#checks,
      live: this.#live,
      authorities,
      certificates: undefined,
      onRefused: () => {},
    });
  }

  /** Gives the service the broker that devices connect to, before they do. Settles when it has taken up what it had to do. */
  async attach(broker: DeviceBroker): Promise<void> {
    this.#broker = broker;
    const { types, registry, connections } = this;
    const commands = await Commands.open({
      ...this.#options,
      broker,
      types,
      connections,
      lookup: async (deviceId) => {
        const registered = await registry.get(deviceId);
        const type = registered && types.get(registered.device.type);
        return type && registered && { ...registered, type };
      },
    });
    this.#attached = { commands };
    this.#ends.push(registry.onChange((deviceId) => this.#do(commands.deviceChanged(deviceId))));
  }

  /** Has to be told of every event of the broker. */
  brokerEvent(event: BrokerEvent): void {
    const told = this.#events.read(event);
    if (told !== undefined) this.connections.take(told);
  }

  /** Settles when nothing is under way any more. The broker may have stopped before. */
  async close(): Promise<void> {
    for (const end of this.#ends) end();
    this.#live.close();
    await this.#attached?.commands.close();
    this.issuing?.crl.close();
    this.issuing?.revocations.close();
    await this.issuing?.certificates.close();
    await this.tokens.close();
    await this.registry.close();
  }

  /** Work that nobody waits for. */
  #do(work: Promise<unknown>): void {
    work.catch((error) => this.#options.tell({ name: 'deviceServiceFailed', error: String(error) }));
  }
}
