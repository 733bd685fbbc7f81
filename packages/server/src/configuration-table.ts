/** Every key of the configuration file in one table: the reader, the JSON Schema, the reference and `--help` use it. */
import { DEFAULT_SETTINGS, LIMITS, type LimitName, type Settings } from '@dunlin/broker';
import type { ProtocolVersion } from '@dunlin/protocol';
import type { AmountShape, GroupShape, Shape } from './shape.ts';

/** Protocol versions as the configuration calls them, with their Protocol Level. */
export const VERSIONS: Readonly<Record<string, ProtocolVersion>> = { '3.1': 3, '3.1.1': 4, '5.0': 5 };

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export const LOG_FORMATS = ['auto', 'human', 'json'] as const;
export const TRANSPORTS = ['tcp'] as const;
export const DURABILITIES = ['durable', 'process', 'memory'] as const;

/** The port of MQTT over TCP, registered with IANA. */
export const MQTT_PORT = 1883;
export const DEFAULT_HOST = 'localhost';
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

const listener: GroupShape = {
  kind: 'group',
  description: 'One address where clients may come.',
  entries: {
    name: {
      kind: 'text',
      example: 'plant',
      default: undefined,
      description: 'For log lines and for rules; by default the transport and, from the second on, a number.',
    },
    transport: { kind: 'choice', choices: TRANSPORTS, default: 'tcp', description: 'How bytes travel.' },
    host: {
      kind: 'text',
      example: '0.0.0.0',
      default: DEFAULT_HOST,
      description:
        'Address to listen at. `localhost` is 127.0.0.1 and, where the machine has it, ::1; `0.0.0.0` and `::` are all.',
    },
    port: {
      kind: 'amount',
      unit: '',
      minimum: 0,
      maximum: 65_535,
      default: MQTT_PORT,
      description: 'TCP port; 0 takes a free one.',
    },
    versions: {
      kind: 'list',
      items: { kind: 'choice', choices: Object.keys(VERSIONS), default: '5.0', description: 'A version of MQTT.' },
      default: 'all',
      description: 'Versions of MQTT served here.',
    },
    allowAnonymous: {
      kind: 'switch',
      default: false,
      description:
        'Let everybody in without authentication. A listener that other machines can reach needs it; on loopback ' +
        'everybody is let in anyway.',
    },
    limits: {
      kind: 'group',
      description: 'Limits of this listener alone.',
      entries: {
        connectionsMax: {
          ...limitShape('connectionsMax'),
          description: 'Network connections at once through this listener; further ones are closed.',
        },
      },
    },
  },
};

/** The configuration file as a whole. */
export const CONFIGURATION: GroupShape = {
  kind: 'group',
  description: 'The configuration of a Dunlin server.',
  entries: {
    listeners: {
      kind: 'list',
      items: listener,
      default: 'one at localhost:1883',
      description: 'Where clients may come.',
    },
    data: {
      kind: 'text',
      example: './data',
      default: undefined,
      description:
        'Directory for what must survive a restart; one process at a time has it. A relative one begins where the file ' +
        'lies; as a flag or in a program at the working directory. `dunlin serve` by default: $DUNLIN_DATA, $STATE_DIRECTORY, or the directory `dunlin` where the system keeps the state of programs, such ' +
        'as ~/.local/state/dunlin. An embedding program: none.',
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
