/** A server while it runs: its parts are opened one after the other, and closed in the order in which nothing gets lost. */
import {
  type Authenticator,
  type Authorizer,
  Broker,
  type Clock,
  LIMITS,
  type Random,
  type Store,
} from '@dunlin/broker';
import type { DeviceEvent, DeviceService } from '@dunlin/devices';
import { PasswordVerifier, type RevocationSource } from '@dunlin/identity';
import type { LmdbEnvironment } from '@dunlin/lmdb';
import { quoted } from '@dunlin/protocol';
import { AcceptGate } from './accept-gate.ts';
import { addressesOf } from './address.ts';
import type { ApiHost, LocalAnswer, LocalRequest } from './api/api-host.ts';
import { isApiUrl } from './api/api-paths.ts';
import type { LocalName } from './api/scopes.ts';
import { AuditOnDemand } from './audit-on-demand.ts';
import { closeInTurn, closeTogether } from './closing.ts';
import type { Configuration } from './configuration.ts';
import type { openDevices } from './configured-devices.ts';
import { controlCommands } from './control-commands.ts';
import { ControlSocket } from './control-socket.ts';
import { LocalDeviceBroker } from './device-broker.ts';
import type { ServerEvent } from './events.ts';
import { backlogFor, connectionsAllowed, lowestFreeDescriptor, OpenFileLimit } from './file-limit.ts';
import { FileReserve } from './file-reserve.ts';
import { InForce, type ReloadReport } from './in-force.ts';
import type { HttpRequestHandler } from './listening.ts';
import { MemoryTables } from './memory-tables.ts';
import { type BoundListener, type OpenListener, openListener } from './open-listener.ts';
import { ownersWithoutRules } from './owners-without-rules.ts';
import { keptSaltKey } from './salt-key.ts';
import { SERVER_VERSION } from './server-version.ts';
import { systemClock } from './system-clock.ts';
import { systemRandom } from './system-random.ts';

export interface RunningParts {
  readonly authenticator?: Authenticator;
  readonly authorizer?: Authorizer;
  readonly revocationSources?: readonly RevocationSource[];
  readonly store?: Store;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly httpRequest?: HttpRequestHandler;
  readonly fileLimit?: number;
}

export interface RunningOptions {
  readonly parts: RunningParts;
  /** Closed when the server has stopped, or could not start. */
  readonly storage: LmdbEnvironment | undefined;
  readonly tell: (event: ServerEvent) => void;
  /** How the audit log calls whoever asks by `Running.api`. Default `local`. */
  readonly localName?: LocalName;
  /** What `reload` takes where it is given nothing; throws where there is nothing, or it is wrong. */
  readonly reread: () => Configuration;
}

export class Running {
  readonly broker: Broker;
  readonly connectionsMax: number;
  readonly fileLimit: number | undefined;
  readonly #options: RunningOptions;
  readonly #clock: Clock;
  readonly #inForce: InForce;
  readonly #gate: AcceptGate;
  readonly #files: FileReserve;
  readonly #openFiles: OpenFileLimit;
  readonly #opened: OpenListener[] = [];
  readonly #forget: () => void;
  readonly #audit: AuditOnDemand;
  readonly #devices: DeviceService | undefined;
  #deviceBroker: LocalDeviceBroker | undefined;
  #api: Promise<ApiHost> | undefined;
  #control: ControlSocket | undefined;
  #reloading: Promise<unknown> = Promise.resolve();
  #stopped: Promise<void> | undefined;

  /** Opens everything; nothing is left open where it rejects. */
  static async open(configuration: Configuration, options: RunningOptions): Promise<Running> {
    const { parts, storage, tell } = options;
    const { clock = systemClock } = parts;
    const fileLimit = new OpenFileLimit();
    const audit = new AuditOnDemand({
      ...{ tables: storage ?? new MemoryTables(), clock, tell },
      entriesMax: configuration.api.auditEntriesMax,
    });
    let devices: DeviceService | undefined;
    let inForce: InForce | undefined;
    let running: Running | undefined;
    try {
      const verifier = new PasswordVerifier({ clock });
      devices = await devicesOf(configuration, { clock, tell, verifier }, audit);
      inForce = new InForce(configuration, {
        clock,
        tell,
        devices,
        verifier,
        revocationSources: [...(parts.revocationSources ?? []), ...(devices?.revocationSources ?? [])],
        authenticator: parts.authenticator,
        saltKey: storage && (() => keptSaltKey(configuration.data as string)),
      });
      running = new Running(inForce, fileLimit, { ...options, audit, devices });
      await running.#open();
      return running;
    } catch (error) {
      // A server that never was does not tell that it drains, nor what else fails at its end.
      if (running === undefined) {
        fileLimit.close();
        await closeInTurn([
          () => inForce?.close(),
          () => devices?.close(),
          () => audit.close(),
          () => storage?.close(),
        ]).catch(() => {});
      } else {
        running.#forget();
        await running.#close().catch(() => {});
      }
      throw error;
    }
  }

  private constructor(
    inForce: InForce,
    openFiles: OpenFileLimit,
    options: RunningOptions & { readonly audit: AuditOnDemand; readonly devices: DeviceService | undefined },
  ) {
    const { parts, tell, storage } = options;
    const { configuration, doors } = inForce;
    const { clock = systemClock, authorizer = doors.authorizer } = parts;
    this.#options = options;
    this.#audit = options.audit;
    this.#devices = options.devices;
    this.#clock = clock;
    this.#inForce = inForce;
    this.#openFiles = openFiles;
    const fileLimit = (): number | undefined => parts.fileLimit ?? openFiles.read();
    this.fileLimit = fileLimit();
    this.connectionsMax = allowedConnections(configuration, this.fileLimit, tell);
    const store = storage?.store ?? parts.store;
    this.broker = makeBroker(configuration, { ...parts, clock, authorizer, store }, this.connectionsMax);
    this.#forget = this.broker.onEvent(tell);
    this.#gate = new AcceptGate({
      clock,
      connectionsMax: this.connectionsMax,
      connections: () => this.broker.connections.size,
      paused: (connections) => tell({ name: 'acceptingPaused', connections }),
      resumed: (connections) => tell({ name: 'acceptingResumed', connections }),
    });
    this.#files = new FileReserve({
      clock,
      limit: fileLimit,
      lowestFree: lowestFreeDescriptor,
      refused: () => this.broker.countWithoutFile(),
      exhausted: (fileLimit) => tell({ name: 'filesExhausted', fileLimit }),
      available: (refused) => tell({ name: 'filesAvailable', refused }),
    });
    inForce.serve({ broker: this.broker, listeners: this.#opened });
    if (options.devices !== undefined) this.broker.onEvent((event) => options.devices?.brokerEvent(event));
  }

  get configuration(): Configuration {
    return this.#inForce.configuration;
  }

  get listeners(): readonly BoundListener[] {
    return this.#opened.map(({ bound }) => bound);
  }

  /** One follows the other. Rejects where nothing has changed, and when the server is stopping. */
  reload(read: () => Configuration = this.#options.reread): Promise<ReloadReport> {
    const report = this.#reloading.then(() => this.#reload(read));
    this.#reloading = report.catch(() => {});
    return report;
  }

  /** Asks the API as local administrator. Rejects when the server is stopping. */
  async api(request: LocalRequest): Promise<LocalAnswer> {
    if (this.#stopped !== undefined) throw new Error('Cannot ask the API: the server is stopping');
    return (await this.#openApi()).local(request);
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#close().finally(this.#forget);
    return this.#stopped;
  }

  async #open(): Promise<void> {
    await this.broker.start();
    await this.#attachDevices();
    const { storage, parts, tell } = this.#options;
    this.#control = await this.#openControl(storage);
    const { doors, configuration, tlsFiles } = this.#inForce;
    const methods = parts.authorizer === undefined ? ownersWithoutRules(configuration) : [];
    if (methods.length > 0) tell({ name: 'ownersWithoutRules', methods: methods.join(', ') });
    const host = configuration.listeners.some(({ api }) => api) ? await this.#openApi() : undefined;
    for (const listener of configuration.listeners)
      this.#opened.push(
        await openListener(listener, {
          broker: this.broker,
          doors,
          httpRequest: listener.api && host !== undefined ? withApi(host, parts.httpRequest) : parts.httpRequest,
          gate: this.#gate,
          files: this.#files,
          clock: this.#clock,
          backlog: backlogFor(this.fileLimit),
          tlsFiles,
          tell,
        }),
      );
    this.#devices?.begin();
  }

  async #attachDevices(): Promise<void> {
    if (this.#devices === undefined) return;
    this.#deviceBroker = new LocalDeviceBroker({ broker: this.broker, review: () => this.#inForce.review() });
    await this.#devices.attach(this.#deviceBroker);
  }

  /** At the start, or when it is asked first: who has no listener for it shall not pay for it. */
  #openApi(): Promise<ApiHost> {
    this.#api ??= this.#loadApi();
    // Whoever asks next tries again.
    this.#api.catch(() => {
      this.#api = undefined;
    });
    return this.#api;
  }

  async #loadApi(): Promise<ApiHost> {
    const [{ openServerApi }, audit] = await Promise.all([import('./api/server-api.ts'), this.#audit.open()]);
    return openServerApi({
      tables: audit.tables,
      audit,
      localName: this.#options.localName ?? 'local',
      clock: this.#clock,
      settings: this.configuration.api,
      devices: this.#devices,
      doors: this.#inForce.doors,
      warnDays: this.configuration.devices?.authority?.warnDays,
      guard: this.#inForce.doors,
      tell: this.#options.tell,
    });
  }

  /** Without a data directory there is nothing that the command line could find it by. */
  async #openControl(storage: LmdbEnvironment | undefined): Promise<ControlSocket | undefined> {
    if (storage === undefined) return undefined;
    const server = { pid: process.pid, version: SERVER_VERSION };
    const commands = controlCommands({
      storage,
      server,
      doors: this.#inForce.doors,
      reload: () => this.reload(),
      api: (request) => this.api(request),
    });
    const requestBytesMax = CONTROL_BYTES + JSON_ESCAPES * this.configuration.api.bodyBytesMax;
    return await ControlSocket.open({ directory: storage.directory, commands, requestBytesMax });
  }

  async #reload(read: () => Configuration): Promise<ReloadReport> {
    const { tell } = this.#options;
    try {
      if (this.#stopped !== undefined) throw new Error('Cannot reload: the server is stopping');
      const report = await this.#inForce.reload(read());
      const { changed, needsRestart, disconnectedClients, ...counts } = report;
      const clients = disconnectedClients.map(({ clientId, check }) => `${quoted(clientId)} (${check})`).join(', ');
      tell({ name: 'reloaded', changed: changed.join(' '), needsRestart: needsRestart.join(' '), ...counts, clients });
      return report;
    } catch (error) {
      tell({ name: 'reloadFailed', error: (error as Error).message });
      throw error;
    }
  }

  /** Commands under way are answered: a backup when it is whole, a check when the storage closes. */
  async #close(): Promise<void> {
    const controlClosed = this.#control?.close();
    await this.#reloading;
    this.#gate.close();
    this.#files.close();
    this.#openFiles.close();
    await closeInTurn([
      () => closeTogether(this.#opened.map((listener) => listener.close())),
      async () => (await this.#api?.catch(() => undefined))?.close(),
      () => this.#inForce.close(),
      async () => this.broker.drain(),
      () => this.#devices?.settle(),
      () => this.broker.stop(),
      async () => this.#deviceBroker?.stopped(),
      () => this.#devices?.close(),
      () => this.#audit.close(),
      () => this.#options.storage?.close(),
      () => controlClosed,
    ]);
  }
}

/** A request beside its body, and how much longer a body is as a text in JSON. */
const CONTROL_BYTES = 64 * 1024;
const JSON_ESCAPES = 2;

/** Loaded where the configuration has devices: nobody else shall pay for them. */
async function devicesOf(
  configuration: Configuration,
  { tell, ...parts }: Omit<Parameters<typeof openDevices>[1], 'tables'>,
  audit: AuditOnDemand,
): Promise<DeviceService | undefined> {
  if (configuration.devices === undefined) return undefined;
  const [{ openDevices }, { tables, told }] = await Promise.all([import('./configured-devices.ts'), audit.open()]);
  const tellAll = (event: DeviceEvent): void => {
    told(event);
    tell(event);
  };
  return openDevices(configuration, { ...parts, tables, tell: tellAll });
}

/** The API first; what is not its own goes to whoever was asked before. */
function withApi(host: ApiHost, other: HttpRequestHandler | undefined): HttpRequestHandler {
  return (request, response, listener, visit) => {
    if (!isApiUrl(request.url ?? '')) return other?.(request, response, listener, visit) ?? false;
    host.take(request, response, { ...visit, listener });
    return true;
  };
}

interface BrokerParts extends Pick<RunningParts, 'authenticator' | 'authorizer' | 'store' | 'random'> {
  readonly clock: Clock;
}

function makeBroker(configuration: Configuration, parts: BrokerParts, connectionsMax: number): Broker {
  const { clock, authenticator, authorizer, store, random = systemRandom } = parts;
  return new Broker({
    clock,
    random,
    ...(authenticator !== undefined && { authenticator }),
    ...(authorizer !== undefined && { authorizer }),
    ...(store !== undefined && { store }),
    limits: { ...configuration.limits, connectionsMax },
    settings: configuration.settings,
    version: `dunlin ${SERVER_VERSION}`,
  });
}

function allowedConnections(
  { listeners, limits }: Configuration,
  fileLimit: number | undefined,
  tell: (event: ServerEvent) => void,
): number {
  const wanted = limits.connectionsMax ?? LIMITS.connectionsMax.default;
  const addresses = listeners.flatMap(({ host }) => addressesOf(host)).length;
  const allowed = connectionsAllowed(wanted, fileLimit, addresses);
  if (fileLimit !== undefined && allowed < wanted)
    tell({ name: 'connectionsLimited', connectionsMax: allowed, fileLimit });
  return allowed;
}
