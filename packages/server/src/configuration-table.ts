/** Every key of the configuration file in one table: the reader, the JSON Schema, the reference and `--help` use it. */
import { DEFAULT_SETTINGS, LIMITS, type LimitName, type Settings } from '@dunlin/broker';
import { API } from './api-table.ts';
import { DEVICES } from './device-table.ts';
import { AUTHENTICATION, AUTHORITIES, AUTHORIZATION, CLIENT_IDS, GUARD } from './identity-table.ts';
import { listenerShape } from './listener-table.ts';
import type { AmountShape, GroupShape, Shape } from './shape.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export const LOG_DESTINATIONS = ['stderr', 'stdout', 'file', 'syslog'] as const;
export const LOG_FORMATS = ['auto', 'human', 'json'] as const;
export const DURABILITIES = ['durable', 'process', 'memory'] as const;

export const SEMI_SPACE_BYTES = 64 * 1024 * 1024;

function limitShape(name: LimitName): AmountShape {
  const { unit, default: standard, minimum, maximum, description } = LIMITS[name];
  return { kind: 'amount', unit, minimum, maximum, default: standard, description };
}

const limits: GroupShape = {
  kind: 'group',
  description: 'Limits of the broker; each counts how often it acted.',
  entries: Object.fromEntries((Object.keys(LIMITS) as LimitName[]).map((name) => [name, limitShape(name)])),
};

function offered(name: keyof Settings, description: string): Shape {
  return { kind: 'switch', default: DEFAULT_SETTINGS[name] as boolean, description };
}

const settings = {
  maximumQoS: {
    kind: 'amount',
    unit: '',
    minimum: 0,
    maximum: 2,
    default: DEFAULT_SETTINGS.maximumQoS,
    description: 'Highest QoS a client may publish with; told as Maximum QoS.',
  },
  retainAvailable: offered('retainAvailable', 'Whether retained messages are served; told as Retain Available.'),
  wildcardSubscriptionAvailable: offered('wildcardSubscriptionAvailable', 'Whether filters may hold + and #.'),
  subscriptionIdentifierAvailable: offered('subscriptionIdentifierAvailable', 'Whether subscriptions may be numbered.'),
  sharedSubscriptionAvailable: offered(
    'sharedSubscriptionAvailable',
    'Whether shared subscriptions ($share) are served.',
  ),
  strictText: offered('strictText', 'Refuse control characters and non-characters in text (section 1.5.4).'),
  queueFull: {
    kind: 'choice',
    choices: ['drop-new', 'drop-oldest'],
    default: DEFAULT_SETTINGS.queueFull,
    description:
      'Which QoS 1 or 2 message goes when the queue of a session is full: the new one or the oldest waiting.',
  },
  bindSessions: offered(
    'bindSessions',
    'Whether a session is only for the identity that made it; another one with its Client Identifier gets 0x85.',
  ),
  responseInformation: {
    kind: 'text',
    example: 'responses/',
    default: DEFAULT_SETTINGS.responseInformation,
    description: 'Sent to clients that ask for Response Information (section 3.1.2.11.6).',
  },
  serverReference: {
    kind: 'text',
    example: 'mqtt.example.org:1883',
    default: DEFAULT_SETTINGS.serverReference,
    description: 'Where clients are sent while the server stops; told as Server Reference with 0x9C.',
  },
  sysIntervalS: {
    kind: 'amount',
    unit: 'seconds',
    minimum: 0,
    maximum: 86_400,
    default: DEFAULT_SETTINGS.sysIntervalS,
    description: 'Time between two publications of $SYS; 0 turns them off.',
  },
} satisfies { readonly [name in keyof Settings]: Shape };

/** The configuration file as a whole. */
export const CONFIGURATION: GroupShape = {
  kind: 'group',
  description: 'The configuration of a Dunlin server.',
  entries: {
    listeners: {
      kind: 'list',
      items: listenerShape(limitShape('connectionsMax')),
      default: 'one at localhost:1883',
      description: 'Where clients may come.',
    },
    authorities: AUTHORITIES,
    authentication: AUTHENTICATION,
    clientIds: CLIENT_IDS,
    guard: GUARD,
    authorization: AUTHORIZATION,
    devices: DEVICES,
    api: API,
    data: {
      kind: 'text',
      example: './data',
      default: undefined,
      isPath: true,
      description:
        'Directory for what must survive a restart; one process at a time has it. A relative one begins where the file ' +
        'lies; as a flag or in a program at the working directory. `dunlin serve` by default: $STATE_DIRECTORY, or the ' +
        'directory `dunlin` where the system keeps the state of programs, such as ~/.local/state/dunlin. An embedding ' +
        'program: none.',
    },
    durability: {
      kind: 'choice',
      choices: DURABILITIES,
      default: 'durable',
      description:
        'What an acknowledgement means. `durable`: on the device. `process`: it survives the end of the process, ' +
        'but a crash of the operating system may cost the whole store. `memory`: nothing survives. Without `data` an ' +
        'embedding program gets `memory`.',
    },
    log: {
      kind: 'group',
      description: 'What is logged, and how.',
      entries: {
        level: { kind: 'choice', choices: LOG_LEVELS, default: 'info', description: 'Least level that is logged.' },
        format: {
          kind: 'choice',
          choices: LOG_FORMATS,
          default: 'auto',
          description: 'Lines for people or one JSON object a line; `auto`: for people on a terminal, else JSON.',
        },
        to: {
          kind: 'list',
          items: {
            kind: 'choice',
            choices: LOG_DESTINATIONS,
            default: 'stderr',
            description: 'Where log lines go; `syslog` by way of the command `logger`.',
          },
          default: 'file where one is named, else stderr',
          description: 'Where log lines go.',
        },
        file: {
          kind: 'text',
          example: 'log/dunlin.log',
          default: undefined,
          isPath: true,
          description: 'The log file; opened anew at SIGHUP, for those who move it away.',
        },
      },
    },
    limits,
    settings: { kind: 'group', description: 'What the broker offers and how it behaves.', entries: settings },
    semiSpaceBytesMax: {
      kind: 'amount',
      unit: 'bytes',
      minimum: 1024 * 1024,
      maximum: 1024 * 1024 * 1024,
      default: SEMI_SPACE_BYTES,
      description:
        'Size up to which the semi-spaces of the young generation of memory grow (V8 has two). More means ' +
        'fewer collections and more memory. Set by `dunlin serve`, not by an embedding program.',
    },
  },
};
