/** The flags that all commands of a client share: server, TLS, client identity, session, will, messages of the tool. */

import { isIP } from 'node:net';
import { PACKET_BYTES_MAXIMUM, type ProtocolVersion, type QoS } from '@dunlin/protocol';
import { type BrokerUrl, readBrokerUrl } from './broker-url.ts';
import { usageError } from './exit-codes.ts';
import { type FlagGroup, HelpAsked, readFlags, wholeNumber } from './flags.ts';
import { applyProfile, askedProfile } from './profile-flags.ts';
import {
  addProperty,
  anyProperties,
  type GivenProperties,
  type PropertyTarget,
  propertyArgumentCount,
} from './property-flags.ts';
import { checkTlsFlags, TLS, type TlsFlags } from './tls-flags.ts';

/** What the shared flags set; `undefined` fields were not given. */
export interface ConnectionFlags {
  /** Of a saved profile. */
  profile?: string;
  host?: string;
  port?: number;
  url?: BrokerUrl;
  /** The file of a Unix socket. */
  unix?: string;
  /** WebSocket in place of TCP. */
  ws: boolean;
  tls: TlsFlags;
  clientId?: string;
  idPrefix?: string;
  username?: string;
  password?: string;
  /** Seconds. */
  keepAlive: number;
  cleanStart: boolean;
  /** Seconds; 0xFFFFFFFF never expires. */
  sessionExpiry?: number;
  version?: ProtocolVersion;
  will: { topic?: string; payload?: string; qos?: QoS; retain?: boolean };
  properties: GivenProperties;
  /** Local address to connect from. */
  bindAddress?: string;
  /** Bytes. */
  maximumPacketSize?: number;
  debug: boolean;
  quiet: boolean;
}

/** The state before any flag was read. */
export function newConnectionFlags(): ConnectionFlags {
  return { keepAlive: 60, cleanStart: true, ws: false, tls: {}, will: {}, properties: {}, debug: false, quiet: false };
}

const VERSIONS: Readonly<Record<string, ProtocolVersion>> = {
  mqttv31: 3,
  '31': 3,
  mqttv311: 4,
  '311': 4,
  mqttv5: 5,
  '5': 5,
};
const NEVER_EXPIRES = 0xffff_ffff;

/** Reads a QoS, or throws a usage error. */
export function readQos(text: string): QoS {
  return wholeNumber('QoS', text, 0, 2) as QoS;
}

/** The groups of the table; `targets` are the packets for which the command takes properties. */
export function connectionFlagGroups(targets: readonly PropertyTarget[]): FlagGroup<ConnectionFlags>[] {
  return [SERVER, TLS, clientGroup(targets), WILL, TOOL];
}

/**
 * Reads and checks the command line of a command of a client, which `newFlags` begins. `word` takes loose words;
 * `environment` says where saved profiles are.
 *
 * Throws a usage error, a local error for the file of profiles, and `HelpAsked`.
 */
export function readClientFlags<Flags extends ConnectionFlags>(
  command: string,
  groups: readonly FlagGroup<Flags>[],
  argv: readonly string[],
  newFlags: () => Flags,
  word?: (flags: Flags, text: string) => void,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Flags {
  let flags = newFlags();
  readFlags(command, groups, argv, flags, word);
  const profile = askedProfile(flags, environment);
  if (profile !== undefined) {
    const given = flags;
    flags = newFlags();
    applyProfile(groups, flags, profile, given);
    readFlags(command, groups, argv, flags, word);
  }
  checkConnectionFlags(flags);
  return flags;
}

const SERVER: FlagGroup<ConnectionFlags> = {
  title: 'Server',
  isSaved: true,
  flags: [
    {
      long: 'profile',
      values: ['NAME'],
      help: 'flags that dunlin profile has saved; those given here win (the default one, where no server is named)',
      set: (flags, [name]) => {
        flags.profile = name;
      },
    },
    {
      short: 'h',
      long: 'host',
      values: ['HOST'],
      help: 'server to connect to (localhost)',
      set: (flags, [host]) => {
        flags.host = host;
      },
    },
    {
      short: 'p',
      long: 'port',
      values: ['PORT'],
      help: 'its port (1883; with TLS 8883, with --ws 80 and 443)',
      set: (flags, [port]) => {
        flags.port = wholeNumber('port', port, 1, 65_535);
      },
    },
    {
      short: 'L',
      long: 'url',
      values: ['URL'],
      help: 'all in one: mqtt://[user[:password]@]host[:port]/topic; also mqtts://, ws:// and wss:// with a path, mqtt+unix://',
      set: (flags, [url]) => {
        flags.url = readBrokerUrl(url);
      },
    },
    {
      long: 'unix',
      values: ['PATH'],
      help: 'the Unix socket to connect to',
      set: (flags, [path]) => {
        flags.unix = path;
      },
    },
    {
      long: 'ws',
      help: 'speak over WebSocket, at the path /mqtt',
      set: (flags) => {
        flags.ws = true;
      },
    },
    {
      short: 'V',
      long: 'protocol-version',
      values: ['VERSION'],
      choices: Object.keys(VERSIONS),
      help: 'mqttv5, mqttv311 or mqttv31; also 5, 311, 31 (5)',
      set: (flags, [version]) => {
        if (!Object.hasOwn(VERSIONS, version)) {
          throw usageError(`Cannot speak version "${version}": expected one of ${Object.keys(VERSIONS).join(', ')}`);
        }
        flags.version = VERSIONS[version];
      },
    },
    {
      short: 'A',
      values: ['ADDRESS'],
      help: 'connect from this address of this machine, which chooses the network',
      set: (flags, [address]) => {
        if (isIP(address) === 0)
          throw usageError(
            `Cannot connect from "${address}": expected an IP address of this machine, such as 192.0.2.1`,
          );
        flags.bindAddress = address;
      },
    },
    {
      long: 'maximum-packet-size',
      values: ['BYTES'],
      help: 'the largest packet to take from the server (16777216); MQTT 5.0 servers leave out what is larger',
      set: (flags, [bytes]) => {
        flags.maximumPacketSize = wholeNumber('maximum packet size', bytes, 1, PACKET_BYTES_MAXIMUM);
      },
    },
    { long: 'nodelay', help: 'accepted as elsewhere; small packets are never held back here', set: () => {} },
  ],
};

function clientGroup(targets: readonly PropertyTarget[]): FlagGroup<ConnectionFlags> {
  return {
    title: 'Client and session',
    isSaved: true,
    flags: [
      {
        short: 'i',
        long: 'id',
        values: ['ID'],
        help: 'Client Identifier (a random one)',
        set: (flags, [id]) => {
          flags.clientId = id;
        },
      },
      {
        short: 'I',
        long: 'id-prefix',
        values: ['PREFIX'],
        help: 'Client Identifier made of this and the process number',
        set: (flags, [prefix]) => {
          flags.idPrefix = prefix;
        },
      },
      {
        short: 'u',
        long: 'username',
        values: ['NAME'],
        help: 'user name',
        set: (flags, [name]) => {
          flags.username = name;
        },
      },
      {
        short: 'P',
        long: 'pw',
        values: ['PASSWORD'],
        help: 'password',
        set: (flags, [password]) => {
          flags.password = password;
        },
      },
      {
        short: 'k',
        long: 'keepalive',
        values: ['SECONDS'],
        help: 'Keep Alive, 0 turns it off (60)',
        set: (flags, [seconds]) => {
          flags.keepAlive = wholeNumber('keep alive', seconds, 0, 65_535);
        },
      },
      {
        short: 'c',
        long: 'disable-clean-session',
        help: 'continue the session of this Client Identifier, and keep it afterwards; needs -i',
        set: (flags) => {
          flags.cleanStart = false;
        },
      },
      {
        short: 'x',
        long: 'session-expiry-interval',
        values: ['SECONDS'],
        help: 'how long the server keeps the session, -1 for ever (0; with -c -1); MQTT 5.0',
        set: (flags, [seconds]) => {
          const forever = seconds === '-1' || seconds === '∞';
          flags.sessionExpiry = forever ? NEVER_EXPIRES : wholeNumber('session expiry', seconds, 0, NEVER_EXPIRES);
        },
      },
      {
        short: 'D',
        long: 'property',
        values: ['PACKET', 'PROPERTY', 'VALUE'],
        valueCount: propertyArgumentCount,
        help: 'an MQTT 5.0 property, see below; user-property takes a name and a value',
        set: (flags, values) => addProperty(flags.properties, targets, values),
      },
    ],
  };
}

const WILL: FlagGroup<ConnectionFlags> = {
  title: 'Will, which the server publishes when this client is lost',
  flags: [
    {
      long: 'will-topic',
      values: ['TOPIC'],
      help: 'its topic',
      set: (flags, [topic]) => {
        flags.will.topic = topic;
      },
    },
    {
      long: 'will-payload',
      values: ['TEXT'],
      help: 'its payload (empty)',
      set: (flags, [payload]) => {
        flags.will.payload = payload;
      },
    },
    {
      long: 'will-qos',
      values: ['QOS'],
      help: 'its QoS (0)',
      set: (flags, [qos]) => {
        flags.will.qos = readQos(qos);
      },
    },
    {
      long: 'will-retain',
      help: 'it is retained',
      set: (flags) => {
        flags.will.retain = true;
      },
    },
  ],
};

const TOOL: FlagGroup<ConnectionFlags> = {
  title: 'This tool',
  flags: [
    {
      short: 'd',
      long: 'debug',
      help: 'tell every packet on standard error; never a password',
      set: (flags) => {
        flags.debug = true;
      },
    },
    {
      long: 'quiet',
      help: 'no error messages, only the exit code; a wrong command line is still told',
      set: (flags) => {
        flags.quiet = true;
      },
    },
    {
      long: 'help',
      help: 'this text',
      set: () => {
        throw new HelpAsked();
      },
    },
  ],
};

/** Checks what only all flags together can tell. Throws a usage error. */
export function checkConnectionFlags(flags: ConnectionFlags): void {
  checkPlace(flags);
  checkTlsFlags(flags.tls);
  if (flags.clientId !== undefined && flags.idPrefix !== undefined) throw usageError('Cannot use -i and -I together');
  checkVersion(flags);
  checkSession(flags);
  const { topic, payload, qos, retain } = flags.will;
  if (topic === undefined && (payload !== undefined || qos !== undefined || retain !== undefined)) {
    throw usageError('Cannot set a will without --will-topic');
  }
  if (topic === undefined && flags.properties.will !== undefined) {
    throw usageError('Cannot set a property of WILL without --will-topic');
  }
}

function checkPlace({ host, port, url, unix, ws, tls, bindAddress }: ConnectionFlags): void {
  if (url !== undefined && host !== undefined) throw usageError('Cannot use -h and -L together');
  if (unix !== undefined && (host !== undefined || url !== undefined)) {
    throw usageError('Cannot use --unix together with -h or -L');
  }
  const isUnix = unix !== undefined || url?.scheme === 'mqtt+unix';
  if (isUnix && (port !== undefined || ws || bindAddress !== undefined || Object.keys(tls).length > 0)) {
    throw usageError('Cannot use -p, -A, --ws or TLS with a Unix socket');
  }
  if (ws && url !== undefined)
    throw usageError('Cannot use --ws and -L together: expected a URL that begins with ws:// or wss://');
  if ((url?.scheme === 'mqtt' || url?.scheme === 'ws') && Object.keys(tls).length > 0) {
    throw usageError(`Cannot use TLS with ${url.scheme}://: expected a URL that begins with ${url.scheme}s://`);
  }
}

/** The version to speak: 5.0 unless another was asked for. */
export function versionOf(flags: ConnectionFlags): ProtocolVersion {
  return flags.version ?? 5;
}

function checkVersion(flags: ConnectionFlags): void {
  const version = versionOf(flags);
  if (version === 5) return;
  if (anyProperties(flags.properties)) throw usageError('Cannot use -D with an older version: properties need -V 5');
  if (flags.sessionExpiry !== undefined) throw usageError('Cannot use -x with an older version: it needs -V 5');
  const { url } = flags;
  const password = flags.password ?? url?.password;
  if (password !== undefined && (flags.username ?? url?.username) === undefined) {
    throw usageError('Cannot use -P without -u: before MQTT 5.0 a password needs a user name');
  }
}

function checkSession(flags: ConnectionFlags): void {
  // An empty one is chosen by the server, anew for each connection.
  if (flags.clientId || flags.idPrefix !== undefined) return;
  if (!flags.cleanStart) throw usageError('Cannot use -c without -i: a session is found by its Client Identifier');
  if (flags.sessionExpiry === NEVER_EXPIRES) {
    throw usageError('Cannot keep a session for ever without -i: it is found by its Client Identifier');
  }
}
