/** The keys of the device service: types of devices, the authority for their certificates, limits. */
import {
  CLAIM_LIMITS,
  type ClaimLimit,
  COMMAND_LIMITS,
  type CommandLimit,
  CREDENTIAL_LIMITS,
  type CredentialLimit,
} from '@dunlin/devices/configuration';
import { amount, map, path, text, texts, toggle } from './entry-shapes.ts';
import { RULE } from './identity-table.ts';
import type { GroupShape, JsonShape, ListShape, MapShape } from './shape.ts';

export const CREDENTIALS = ['token', 'certificate', 'either'] as const;

function json(example: string, description: string): JsonShape {
  return { kind: 'json', example, description };
}

const command: GroupShape = {
  kind: 'group',
  description: 'A command that devices of the type understand.',
  entries: {
    topic: text('devices/{deviceId}/command', 'Where it is published: with {deviceId}, {commandId} and {attr.NAME}.'),
    payload: json(
      '{ id: "{commandId}" }',
      'What is published, as JSON: with {commandId}, {deviceId}, {attr.NAME}, {nowS}, {nowMs}, {input} and {input.NAME}; a ' +
        'text that is nothing but one of them becomes its value.',
    ),
    inputSchema: json('{ type: object }', 'JSON Schema of what the caller gives; without one nothing is taken.'),
    ttlS: amount(
      'seconds',
      [1, COMMAND_LIMITS.commandTtlMaxS.maximum],
      60,
      'Time after which a command that was not confirmed has expired.',
    ),
    qos: amount('', [0, 1], 1, 'QoS with which it is published.'),
    supersedes: toggle(
      false,
      'Whether a new one takes the place of those of its type that the same device has and that are not known to have gone out: they fail, as ' +
        'superseded. Without it each goes out when the device comes.',
    ),
    acknowledgement: {
      kind: 'group',
      description: 'How the device says that it has done it; without this the command ends when it was received.',
      entries: {
        topic: text(
          'devices/{deviceId}/done',
          'Where it says so: with {deviceId}, {attr.NAME} and {commandId}. No other device may publish there.',
        ),
        id: text('/id', 'JSON pointer to the id of the command in the payload; without one the topic has it.'),
        failure: {
          kind: 'group',
          description: 'What says that the command failed. Default: nothing does.',
          entries: {
            pointer: text('/status', 'JSON pointer into the payload.'),
            values: {
              kind: 'list',
              items: json('failed', 'A value.'),
              default: 'none',
              description: 'What stands there then.',
            },
          },
          required: ['pointer', 'values'],
        },
      },
      required: ['topic'],
    },
  },
  required: ['topic', 'payload'],
};

const types: MapShape = {
  kind: 'map',
  names: 'device type',
  values: {
    kind: 'group',
    description: 'What all devices of a kind have in common.',
    entries: {
      credential: {
        kind: 'choice',
        choices: CREDENTIALS,
        default: 'either',
        description:
          'How its devices show who they are: with a token, a certificate, or either. Nobody makes them the other kind.',
      },
      clientId: {
        kind: 'group',
        description: 'The form that Client Identifiers must have. Default: any.',
        entries: {
          template: text(
            '{partner}-{deviceId}',
            'The form, with fields in braces. A field that equals nothing of the device may not hold the character that parts it from one that does.',
          ),
          patterns: map(
            'field of the template',
            'uuid',
            'One of uuid, hex, digits, word, or values divided by |.',
            'What a field may be.',
          ),
          equals: map(
            'field of the template',
            '{deviceId}',
            'One of {deviceId}, {attr.NAME}.',
            'What a field must be.',
          ),
        },
        required: ['template'],
      },
      requiredAttributes: {
        ...texts('thingName', 'Name of an attribute.', 'none', 'Attributes that each device must have.'),
        mayBeEmpty: true,
        standard: [],
      },
      uniqueAttributes: {
        ...texts(
          'thingName',
          'Name of an attribute.',
          'none',
          'Attributes of which no two devices have the same value, of this type and of others that name them here; what devices have already stays.',
        ),
        mayBeEmpty: true,
        standard: [],
      },
      rules: {
        kind: 'list',
        items: RULE,
        mayBeEmpty: true,
        default: 'none: nothing',
        standard: [],
        description: 'What its devices may do; {username} is the device id, {attr.NAME} an attribute of the device.',
      },
      presence: {
        kind: 'group',
        description: 'A retained message that says whether a device is connected. Default: there is none.',
        entries: { topic: text('dunlin/presence/{deviceId}', 'Its topic: with {deviceId} and {attr.NAME}.') },
        required: ['topic'],
      },
      claimable: toggle(false, 'Whether devices may ask for a place in the registry with a claim code.'),
      claimAttributes: {
        ...texts(
          'model',
          'Name of an attribute.',
          'none',
          'Attributes that a device may say of itself then; none that its rules, topics or Client Identifier depend on.',
        ),
        mayBeEmpty: true,
        standard: [],
      },
      commands: {
        kind: 'map',
        names: 'command',
        values: command,
        description: 'Commands that its devices understand.',
      },
    },
  },
  description:
    'Types of devices. A device has one of them; it may do what the rules of its type allow, and nothing else.',
};

const registration: ListShape = {
  kind: 'list',
  items: {
    kind: 'group',
    description: 'An authority whose devices are registered when they connect first.',
    entries: {
      authority: text('acme', 'Name of an entry of `authorities`.'),
      type: text('sensor', 'Type that such a device gets.'),
    },
    required: ['authority', 'type'],
  },
  mayBeEmpty: true,
  default: 'none',
  standard: [],
  description:
    'Authorities of others whose devices are registered as they come; none under the id of a device that was removed (removedIdsMax).',
};

export const DEVICES: GroupShape = {
  kind: 'group',
  description:
    'The device service: a registry, credentials, presence and commands. It is there where this group is; devices are let in ' +
    'by an entry `method: devices` of `authentication`.',
  entries: {
    types,
    authority: {
      kind: 'group',
      description: 'The authority that issues certificates to devices. Default: none is issued.',
      entries: {
        name: { ...text('devices', 'Its entry of `authorities`.'), default: 'devices' },
        certificate: path('tls/devices-ca.pem', 'File with its certificate, and those between it and its root (PEM).'),
        key: path('tls/devices-ca.key', 'File with its private key (PEM), encrypted under the master key.'),
        serverAuthorities: path(
          'tls/ca.pem',
          'File with whoever vouches for this server (PEM): goes along with each certificate, so that devices know whom to trust. Default: the authority of devices itself.',
        ),
        crlUrl: text(
          'http://mqtt.example.org/crl/devices.crl',
          'Where others find its revocation list; stands in every certificate.',
        ),
        ocspUrl: text(
          'http://mqtt.example.org/ocsp',
          'Where others ask whether a certificate counts; stands in every certificate.',
        ),
        days: amount('days', [1, 3_650], 365, 'Days for which a certificate of a device counts.'),
        warnDays: amount('days', [1, 365], 30, 'Days before its end from which on it is told of.'),
        renewalOverlapS: amount(
          'seconds',
          [0, 31_536_000],
          604_800,
          'Time for which a certificate counts after the first connection with the one that replaces it.',
        ),
      },
      required: ['certificate', 'key'],
    },
    masterKey: {
      kind: 'group',
      description:
        'Where the key is that the keys of the authority are encrypted under: one of these. Never in a backup.',
      entries: {
        file: path('devices-master.key', 'A file, outside of the data directory, for its owner alone (0600).'),
        environment: text('DUNLIN_MASTER_KEY', 'Name of an environment variable.'),
        credential: text('devices-master-key', 'Name of a credential of systemd (LoadCredential).'),
      },
    },
    registration,
    limits: {
      kind: 'group',
      description: 'Limits of the device service; an event tells when one acts.',
      entries: Object.fromEntries(
        Object.entries<CommandLimit | ClaimLimit | CredentialLimit>({
          ...COMMAND_LIMITS,
          ...CLAIM_LIMITS,
          ...CREDENTIAL_LIMITS,
        }).map(([name, { unit, minimum, maximum, default: standard, description }]) => [
          name,
          amount(unit, [minimum, maximum], standard, description),
        ]),
      ),
    },
  },
};
