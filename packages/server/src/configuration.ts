/** The configuration of a server as code sees it: what may be given, and what is in force when nothing is. */
import type { LimitName, Limits, Settings } from '@dunlin/broker';
import type { ProtocolVersion } from '@dunlin/protocol';
import type { Scope } from './api/scopes.ts';
import { API, type API_LIMITS } from './api-table.ts';
import { contradictionsOf } from './configuration-contradictions.ts';
import {
  type DURABILITIES,
  type LOG_DESTINATIONS,
  type LOG_FORMATS,
  type LOG_LEVELS,
  SEMI_SPACE_BYTES,
} from './configuration-table.ts';
import { completeDevices, type DevicesConfiguration, type DevicesInput } from './device-configuration.ts';
import type { IdentityConfiguration, MethodConfiguration, MethodInput } from './identity-configuration.ts';
import {
  type CLIENT_CERTIFICATES,
  DEFAULT_HOST,
  DEFAULT_PATHS,
  PORTS,
  type PROXY_PROTOCOLS,
  type TLS_VERSIONS,
  type TRANSPORTS,
} from './listener-table.ts';
import { filledGroup } from './shape.ts';

/** An API key that counts while it stands in the configuration: either its hash or a file is given. */
export interface ApiKeyConfiguration {
  readonly name: string;
  /** Of the whole key, 64 hexadecimal digits. */
  readonly sha256?: string;
  /** Holds the key itself. */
  readonly file?: string;
  readonly scopes: readonly Scope[];
}

type ApiLimitName = keyof typeof API_LIMITS;

/** Limits of the HTTP API, and its keys. */
export type ApiConfiguration = Readonly<Record<ApiLimitName, number>> & {
  readonly keys: readonly ApiKeyConfiguration[];
  /** Pages elsewhere that may ask. */
  readonly cors?: { readonly origins: readonly string[] };
};

export type LogLevel = (typeof LOG_LEVELS)[number];
export type Durability = (typeof DURABILITIES)[number];
export type LogFormat = (typeof LOG_FORMATS)[number];

export type Transport = (typeof TRANSPORTS)[number];

/** Files of a certificate with its chain, and of its key. */
export interface CertificateFiles {
  readonly certificate: string;
  readonly key: string;
  /** File with the passphrase of the key, for its owner alone; undefined: the key has none. */
  readonly passphraseFile?: string;
}

export interface TlsConfiguration extends CertificateFiles {
  /** Further ones, chosen by the name that a client asks for. */
  readonly certificates?: readonly CertificateFiles[];
  readonly minVersion?: (typeof TLS_VERSIONS)[number];
  readonly clientCertificate?: (typeof CLIENT_CERTIFICATES)[number];
  /** Names of authorities; undefined: all. */
  readonly authorities?: readonly string[];
  readonly handshakeTimeoutMs?: number;
  readonly handshakesMax?: number;
}

export interface ProxyConfiguration {
  /** Addresses and networks. */
  readonly trusted: readonly string[];
  readonly protocol?: (typeof PROXY_PROTOCOLS)[number];
  readonly forwardedFor?: boolean;
  readonly clientCertificateHeader?: string;
}

export interface ListenerConfiguration {
  readonly name: string;
  readonly transport: Transport;
  /** `localhost` is 127.0.0.1 and ::1. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Of a Unix socket. */
  readonly path: string | undefined;
  /** Of a Unix socket, octal. */
  readonly mode: string;
  /** Of WebSocket. */
  readonly paths: readonly string[];
  /** Of WebSocket: `own`, `any`, or origins. */
  readonly origins: readonly string[];
  /** Of WebSocket: names of this server besides `host`. */
  readonly hosts: readonly string[];
  /** Of WebSocket: whether the HTTP API is answered there. */
  readonly api: boolean;
  readonly versions: readonly ProtocolVersion[];
  /** Given for `tls` and `wss`, and only there. */
  readonly tls: TlsConfiguration | undefined;
  readonly proxy: ProxyConfiguration | undefined;
  /** Names of methods; undefined: all. */
  readonly authentication: readonly string[] | undefined;
  readonly allowAnonymous: boolean;
  readonly limits: { readonly connectionsMax?: number; readonly connectionsPerSecondMax?: number };
}

export interface LogConfiguration {
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Holds `file` only where there is one. */
  readonly to: readonly (typeof LOG_DESTINATIONS)[number][];
  readonly file: string | undefined;
}

export interface Configuration extends IdentityConfiguration {
  /** At least one. Names are unique. */
  readonly listeners: readonly ListenerConfiguration[];
  /** Undefined: there is no device service. */
  readonly devices: DevicesConfiguration | undefined;
  readonly api: ApiConfiguration;
  /** Directory; there is one unless everything is in memory. */
  readonly data: string | undefined;
  readonly durability: Durability;
  readonly log: LogConfiguration;
  /** Those that differ from the defaults of the broker. */
  readonly limits: Partial<Limits>;
  readonly settings: Partial<Settings>;
  readonly semiSpaceBytesMax: number;
}

/** A configuration in which anything may be missing; the values are checked. */
export interface PartialConfiguration {
  readonly listeners?: readonly Partial<ListenerConfiguration>[];
  readonly authorities?: IdentityConfiguration['authorities'];
  readonly authentication?: readonly MethodInput[];
  readonly clientIds?: IdentityConfiguration['clientIds'];
  readonly guard?: IdentityConfiguration['guard'];
  readonly authorization?: IdentityConfiguration['authorization'];
  readonly devices?: DevicesInput | undefined;
  readonly api?: Partial<ApiConfiguration>;
  readonly data?: string | undefined;
  readonly durability?: Durability;
  readonly log?: Partial<Configuration['log']>;
  readonly limits?: Partial<Limits>;
  readonly settings?: Partial<Settings>;
  readonly semiSpaceBytesMax?: number;
}

/** A number in the unit of its key, or a text as in the file: `4MiB`, `10s`, `1_000_000`. */
export type Amount = number | string;

export interface ListenerInput extends Partial<Omit<ListenerConfiguration, 'port' | 'versions' | 'limits'>> {
  readonly port?: Amount;
  /** By Protocol Level or by name, such as `5` or `5.0`. */
  readonly versions?: readonly (ProtocolVersion | '3.1' | '3.1.1' | '5.0')[];
  readonly limits?: { readonly connectionsMax?: Amount; readonly connectionsPerSecondMax?: Amount };
}

/** A configuration as an embedding program gives it: anything may be missing, amounts may be texts. */
export interface ConfigurationInput {
  readonly listeners?: readonly ListenerInput[];
  readonly authorities?: IdentityConfiguration['authorities'];
  readonly authentication?: readonly MethodInput[];
  readonly clientIds?: IdentityConfiguration['clientIds'];
  readonly guard?: IdentityConfiguration['guard'];
  readonly authorization?: IdentityConfiguration['authorization'];
  readonly devices?: DevicesInput | undefined;
  readonly api?: { readonly [name in ApiLimitName]?: Amount | undefined } & Partial<
    Pick<ApiConfiguration, 'keys' | 'cors'>
  >;
  readonly data?: string | undefined;
  readonly log?: Partial<Configuration['log']>;
  readonly limits?: { readonly [name in LimitName]?: Amount | undefined };
  readonly settings?: {
    readonly [name in keyof Settings]?: Settings[name] | (Settings[name] extends number ? string : never) | undefined;
  };
  readonly semiSpaceBytesMax?: Amount;
}

/** One fault of a configuration: `message` is a whole sentence that names path, value and what is expected. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
  readonly code = 'configuration-invalid';
  /** Every fault that was found, each a line. */
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

/**
 * Fills in what is not given. `isAskedElsewhere`: who clients are is asked without `authentication`, by a part of the server.
 * @throws ConfigurationError where there is no listener, or where values that are right each by itself contradict
 */
export function completeConfiguration(input: PartialConfiguration = {}, isAskedElsewhere = false): Configuration {
  const configuration = filledConfiguration(input);
  const problems = contradictionsOf(configuration, isAskedElsewhere);
  if (problems.length > 0) throw new ConfigurationError(problems);
  return configuration;
}

/** The same, and looks for no contradictions. */
export function filledConfiguration(input: PartialConfiguration): Configuration {
  const { data, listeners = [{}] } = input;
  return {
    listeners: listeners.map((listener, index) => completeListener(listener, index)),
    authorities: input.authorities ?? [],
    authentication: (input.authentication ?? []).map(completeMethod),
    clientIds: input.clientIds ?? [],
    guard: input.guard ?? {},
    authorization: input.authorization ?? {},
    devices: input.devices && completeDevices(input.devices),
    api: filledGroup(API, input.api ?? {}) as unknown as ApiConfiguration,
    data,
    durability: input.durability ?? (data === undefined ? 'memory' : 'durable'),
    log: completeLog(input.log ?? {}),
    limits: input.limits ?? {},
    settings: input.settings ?? {},
    semiSpaceBytesMax: input.semiSpaceBytesMax ?? SEMI_SPACE_BYTES,
  };
}

/** `later` over `earlier`, key by key. Listeners are joined by their place in the list. */
export function mergeConfigurations(earlier: PartialConfiguration, later: PartialConfiguration): PartialConfiguration {
  const listeners = [...(earlier.listeners ?? [])];
  for (const [index, listener] of (later.listeners ?? []).entries())
    listeners[index] = { ...listeners[index], ...listener };
  return {
    ...earlier,
    ...later,
    ...((earlier.listeners ?? later.listeners) && { listeners }),
    log: { ...earlier.log, ...later.log },
    limits: { ...earlier.limits, ...later.limits },
    settings: { ...earlier.settings, ...later.settings },
  };
}

function completeListener(input: Partial<ListenerConfiguration>, index: number): ListenerConfiguration {
  const transport = input.transport ?? 'tcp';
  return {
    name: input.name ?? (index === 0 ? transport : `${transport}-${index + 1}`),
    transport,
    host: input.host ?? DEFAULT_HOST,
    port: input.port ?? PORTS[transport],
    path: input.path,
    mode: input.mode ?? '0660',
    paths: input.paths ?? DEFAULT_PATHS,
    origins: input.origins ?? ['own'],
    hosts: input.hosts ?? [],
    api: input.api ?? false,
    versions: input.versions ?? [3, 4, 5],
    tls: input.tls,
    proxy: input.proxy,
    authentication: input.authentication,
    allowAnonymous: input.allowAnonymous ?? false,
    limits: input.limits ?? {},
  };
}

function completeLog({ level = 'info', format = 'auto', file, to }: Partial<LogConfiguration>): LogConfiguration {
  return { level, format, file, to: to ?? [file === undefined ? 'stderr' : 'file'] };
}

/** The second of a kind needs a name of its own; the check says so. */
function completeMethod(input: MethodInput): MethodConfiguration {
  return { ...input, name: input.name ?? input.method } as MethodConfiguration;
}
