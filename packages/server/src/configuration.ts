/** The configuration of a server as code sees it: what may be given, and what is in force when nothing is. */
import type { Limits, Settings } from '@dunlin/broker';
import type { ProtocolVersion } from '@dunlin/protocol';
import {
  DEFAULT_HOST,
  type LOG_FORMATS,
  type LOG_LEVELS,
  MQTT_PORT,
  SEMI_SPACE_BYTES,
  type TRANSPORTS,
} from './configuration-table.ts';

export type LogLevel = (typeof LOG_LEVELS)[number];
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
  readonly data: string | undefined;
  readonly log: { readonly level: LogLevel; readonly format: LogFormat };
  /** Those that differ from the defaults of the broker. */
  readonly limits: Partial<Limits>;
  readonly settings: Partial<Settings>;
  readonly semiSpaceBytesMax: number;
}

/** A configuration in which anything may be missing, as a file, a command line or an embedding program gives it. */
export interface ConfigurationInput {
  readonly listeners?: readonly Partial<ListenerConfiguration>[];
  readonly data?: string | undefined;
  readonly log?: Partial<Configuration['log']>;
  readonly limits?: Partial<Limits>;
  readonly settings?: Partial<Settings>;
  readonly semiSpaceBytesMax?: number;
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
 * @throws ConfigurationError where there is no listener, or two of one name.
 */
export function completeConfiguration(input: ConfigurationInput = {}): Configuration {
  const given = input.listeners ?? [{}];
  if (given.length === 0) throw new ConfigurationError(['listeners is empty: at least one listener is expected']);
  const listeners = given.map((listener, index) => completeListener(listener, index));
  for (const [index, { name }] of listeners.entries())
    if (listeners.findIndex((other) => other.name === name) < index)
      throw new ConfigurationError([
        `listeners[${index}].name is "${name}": a name that no other listener has is expected`,
      ]);
  return {
    listeners,
    data: input.data,
    log: { level: 'info', format: 'auto', ...input.log },
    limits: input.limits ?? {},
    settings: input.settings ?? {},
    semiSpaceBytesMax: input.semiSpaceBytesMax ?? SEMI_SPACE_BYTES,
  };
}

/** `later` over `earlier`, key by key. Listeners are joined by their place in the list. */
export function mergeConfigurations(earlier: ConfigurationInput, later: ConfigurationInput): ConfigurationInput {
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
