/** The configuration of the device service as code sees it: what may be given, and what is in force when nothing is. */
import type { ClaimLimits, CommandLimits, CredentialLimits, DeviceType } from '@dunlin/devices';
import type { RuleInput } from '@dunlin/identity';
import { type CREDENTIALS, DEVICES } from './device-table.ts';
import { filledGroup, type GroupShape, type MapShape } from './shape.ts';

export interface CommandInput {
  readonly topic: string;
  /** JSON. */
  readonly payload: unknown;
  readonly inputSchema?: unknown;
  readonly ttlS?: number;
  readonly qos?: 0 | 1;
  readonly supersedes?: boolean;
  readonly acknowledgement?: {
    readonly topic: string;
    readonly id?: string;
    readonly failure?: { readonly pointer: string; readonly values: readonly unknown[] };
  };
}

export interface DeviceTypeInput {
  readonly credential?: (typeof CREDENTIALS)[number];
  readonly clientId?: {
    readonly template: string;
    readonly patterns?: Readonly<Record<string, string>>;
    readonly equals?: Readonly<Record<string, string>>;
  };
  readonly requiredAttributes?: readonly string[];
  readonly uniqueAttributes?: readonly string[];
  readonly rules?: readonly RuleInput[];
  readonly presence?: { readonly topic: string };
  readonly claimable?: boolean;
  readonly claimAttributes?: readonly string[];
  readonly commands?: Readonly<Record<string, CommandInput>>;
}

export interface DeviceAuthorityConfiguration {
  readonly name: string;
  readonly certificate: string;
  readonly key: string;
  readonly days: number;
  readonly warnDays: number;
  readonly renewalOverlapS: number;
  readonly serverAuthorities?: string;
  readonly crlUrl?: string;
  readonly ocspUrl?: string;
}

export type MasterKeyConfiguration =
  | { readonly file: string }
  | { readonly environment: string }
  | { readonly credential: string };

/** Devices whose authority is another's, and the type that they get. */
export interface RegistrationConfiguration {
  readonly authority: string;
  readonly type: string;
}

export interface DevicesInput {
  readonly types?: Readonly<Record<string, DeviceTypeInput>>;
  readonly authority?: Partial<DeviceAuthorityConfiguration> &
    Pick<DeviceAuthorityConfiguration, 'certificate' | 'key'>;
  readonly masterKey?: MasterKeyConfiguration;
  readonly registration?: readonly RegistrationConfiguration[];
  readonly limits?: Partial<CommandLimits & ClaimLimits & CredentialLimits>;
}

export interface DevicesConfiguration {
  readonly types: Readonly<Record<string, DeviceTypeInput>>;
  readonly authority: DeviceAuthorityConfiguration | undefined;
  readonly masterKey: MasterKeyConfiguration | undefined;
  readonly registration: readonly RegistrationConfiguration[];
  readonly limits: Partial<CommandLimits & ClaimLimits & CredentialLimits>;
}

const TYPE = (DEVICES.entries.types as MapShape).values as GroupShape;
const COMMAND = (TYPE.entries.commands as MapShape).values as GroupShape;

/** Fills in what is not given. */
export function completeDevices(input: DevicesInput): DevicesConfiguration {
  const filled = filledGroup(DEVICES, { limits: {}, ...input }) as unknown as Partial<DevicesConfiguration>;
  const types = mapped(input.types ?? {}, completeType);
  return { authority: undefined, masterKey: undefined, registration: [], limits: {}, ...filled, types };
}

function completeType({ commands = {}, ...type }: DeviceTypeInput): DeviceTypeInput {
  return {
    ...filledGroup(TYPE, type),
    commands: mapped(commands, (command) => filledGroup(COMMAND, command)),
  } as unknown as DeviceTypeInput;
}

/** The types as the device service takes them. */
export function deviceTypes({ types }: DevicesConfiguration): DeviceType[] {
  return Object.entries(types).map(([name, type]) => {
    const {
      credential = 'either',
      clientId,
      requiredAttributes = [],
      uniqueAttributes = [],
      rules = [],
      presence,
      claimable = false,
      claimAttributes = [],
    } = type;
    return {
      name,
      credential,
      clientId: clientId && { patterns: {}, equals: {}, ...clientId },
      requiredAttributes,
      uniqueAttributes,
      rules,
      presence,
      claimable,
      claimAttributes,
      commands: mapped(type.commands ?? {}, ({ ttlS = 60, qos = 1, inputSchema, acknowledgement, ...command }) => ({
        ...command,
        ttlS,
        qos,
        inputSchema,
        acknowledgement: acknowledgement && { id: undefined, failure: undefined, ...acknowledgement },
      })),
    };
  });
}

/** Names are free: one of them may be `__proto__`. */
function mapped<In, Out>(values: Readonly<Record<string, In>>, change: (value: In) => Out): Record<string, Out> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, change(value)]));
}
