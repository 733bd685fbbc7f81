/** The configuration of a server as code sees it: what may be given, and what is in force when nothing is. */
import { LIMITS, type LimitName, type Limits, type Settings } from '@dunlin/broker';
import type { ProtocolVersion } from '@dunlin/protocol';
import { hostAndPort, hostsOverlap } from './address.ts';
import { formatAmount } from './amount.ts';
import {
  DEFAULT_HOST,
  type DURABILITIES,
  type LOG_FORMATS,
  type LOG_LEVELS,
  MQTT_PORT,
  SEMI_SPACE_BYTES,
  type TRANSPORTS,
} from './configuration-table.ts';

export type LogLevel = (typeof LOG_LEVELS)[number];
export type Durability = (typeof DURABILITIES)[number];
export type LogFormat = (typeof LOG_FORMATS)[number];

export interface ListenerConfiguration {
  readonly name: string;
  readonly transport: (typeof TRANSPORTS)[number];
  /** `localhost` is 127.0.0.1 and ::1. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly versions: readonly ProtocolVersion[];
  readonly allowAnonymous: boolean;
  readonly limits: { readonly connectionsMax?: number };
}

export interface Configuration {
  /** At least one. Names are unique. */
  readonly listeners: readonly ListenerConfiguration[];
  /** Directory; there is one unless everything is in memory. */
  readonly data: string | undefined;
  readonly durability: Durability;
  readonly log: { readonly level: LogLevel; readonly format: LogFormat };
  /** Those that differ from the defaults of the broker. */
  readonly limits: Partial<Limits>;
  readonly settings: Partial<Settings>;
  readonly semiSpaceBytesMax: number;
}

/** A configuration in which anything may be missing; the values are checked. */
export interface PartialConfiguration {
  readonly listeners?: readonly Partial<ListenerConfiguration>[];
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
  readonly limits?: { readonly connectionsMax?: Amount };
}

/** A configuration as an embedding program gives it: anything may be missing, amounts may be texts. */
export interface ConfigurationInput {
  readonly listeners?: readonly ListenerInput[];
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
 * Fills in what is not given.
 * @throws ConfigurationError where there is no listener, or where values that are right each by itself contradict
 */
export function completeConfiguration(input: PartialConfiguration = {}): Configuration {
  const given = input.listeners ?? [{}];
  if (given.length === 0) throw new ConfigurationError(['listeners is empty: at least one listener is expected']);
  const listeners = given.map((listener, index) => completeListener(listener, index));
  const limits = input.limits ?? {};
  const { data } = input;
  const durability = input.durability ?? (data === undefined ? 'memory' : 'durable');
  const problems = [...listeners.flatMap((_, index) => contradictionsOf(listeners, index)), ...outboxProblems(limits)];
  if (durability !== 'memory' && data === undefined)
    problems.push(`durability is "${durability}" and data is missing: a directory is expected, or durability "memory"`);
  if (problems.length > 0) throw new ConfigurationError(problems);
  return {
    listeners,
    data,
    durability,
    log: { level: 'info', format: 'auto', ...input.log },
    limits,
    settings: input.settings ?? {},
    semiSpaceBytesMax: input.semiSpaceBytesMax ?? SEMI_SPACE_BYTES,
  };
}

/** What one listener and those before it cannot have both. */
function contradictionsOf(listeners: readonly ListenerConfiguration[], index: number): string[] {
  const { name, host, port } = listeners[index];
  const earlier = listeners.slice(0, index);
  const problems: string[] = [];
  if (earlier.some((other) => other.name === name))
    problems.push(`listeners[${index}].name is "${name}": a name that no other listener has is expected`);
  const taken = earlier.findIndex((other) => port !== 0 && other.port === port && hostsOverlap(other.host, host));
  if (taken !== -1)
    problems.push(
      `listeners[${index}] is at ${hostAndPort(host, port)}: another address or port than that of ` +
        `listeners[${taken}], ${hostAndPort(earlier[taken].host, port)}, is expected`,
    );
  return problems;
}

function outboxProblems(limits: Partial<Limits>): string[] {
  const soft = limits.outboxBytesMax ?? LIMITS.outboxBytesMax.default;
  const hard = limits.outboxBytesHardMax ?? LIMITS.outboxBytesHardMax.default;
  if (soft <= hard) return [];
  const most = formatAmount(hard, 'bytes');
  return [
    `limits.outboxBytesMax is ${formatAmount(soft, 'bytes')}: at most limits.outboxBytesHardMax, ${most}, is expected`,
  ];
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
    port: input.port ?? MQTT_PORT,
    versions: input.versions ?? [3, 4, 5],
    allowAnonymous: input.allowAnonymous ?? false,
    limits: input.limits ?? {},
  };
}
