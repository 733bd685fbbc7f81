/** The compared brokers: how each is configured and started, and what it has promised when it acknowledges. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { commandPath } from '../tools/prerequisites.ts';
import { dunlinFleetLines, mosquittoFleetLines, writeDunlinFleet, writeMosquittoFleet } from './device-fleet.ts';
import { writeCertificates, writeDunlinPasswords, writeMosquittoPasswords } from './locks.ts';

/** The compared brokers, Dunlin first. */
export const brokerNames = [
  'dunlin',
  'dunlin-process',
  'dunlin-memory',
  'mosquitto',
  'mosquitto-disk',
  'aedes',
  'aedes-level',
  'nats',
  'dunlin-tls',
  'mosquitto-tls',
  'dunlin-password',
  'mosquitto-password',
  'dunlin-devices',
  'mosquitto-devices',
] as const;
export type BrokerName = (typeof brokerNames)[number];

/** The brokers of the given names in the order of the tables, or all for none; throws naming a word that is none. */
export function selectBrokers(words: readonly string[] = []): BrokerName[] {
  const unknown = words.find((word) => !(brokerNames as readonly string[]).includes(word));
  if (unknown !== undefined) throw new Error(`Unknown broker "${unknown}"; there are ${brokerNames.join(', ')}`);
  return brokerNames.filter((name) => words.length === 0 || words.includes(name));
}

/** How one kind of broker is started. */
export interface BrokerKind {
  /** Head of its column. */
  readonly title: string;
  /** Shell text that replaces its shell by the broker; `$PORT` is the port, `$FOLDER` an empty folder of its own. */
  readonly command: string;
  /** Written to `$FOLDER/broker.conf`, with `$PORT`, `$FOLDER` and the names of `ports` replaced. */
  readonly configuration?: string;
  /** Free ports that it takes beside `PORT`. */
  readonly ports?: readonly string[];
  /** Writes what the configuration names into the folder. */
  readonly prepare?: (folder: string) => Promise<void>;
  /** What the acknowledgement of a message for a stored session, or of a retained message, means. */
  readonly promise: string;
  /** The Debian package that brings it, where this machine has not got it. */
  readonly absent?: string;
  readonly version: () => string;
}

/** What a run may change about the brokers. */
export interface BrokerOptions {
  /** Replaces the start script of package.json; `--port`, `--data` and `--durability` are appended. */
  readonly dunlinCommand?: string;
  /** Flags of Node, for Dunlin only. */
  readonly nodeOptions?: string;
}

const root = dirname(import.meta.dirname);

/** No queue limit, and Dunlin's window. With less than the window of a row Mosquitto closes publishers of QoS 2. */
const mosquittoLines = [
  'listener $PORT 127.0.0.1',
  'allow_anonymous true',
  'max_queued_messages 0',
  'max_inflight_messages 1000',
  'set_tcp_nodelay true',
];
/** Persistence as its manual has it: the rest is its default, also the 30 minutes between two snapshots. */
const mosquittoDiskLines = [...mosquittoLines, 'persistence true', 'persistence_location $FOLDER/', 'user root'];
/** MQTT needs JetStream and a server name; the window is Dunlin's. The NATS port itself is any that is free. */
const natsLines = [
  'server_name: bench',
  'listen: "127.0.0.1:-1"',
  'jetstream { store_dir: "$FOLDER/jetstream" }',
  'mqtt { host: "127.0.0.1", port: $PORT, max_ack_pending: 1000 }',
];

const mosquittoTlsLines = [...mosquittoLines, 'certfile $FOLDER/server.pem', 'keyfile $FOLDER/server.key', 'user root'];
const mosquittoPasswordLines = [
  ...mosquittoLines.map((line) => line.replace('allow_anonymous true', 'allow_anonymous false')),
  'password_file $FOLDER/passwords',
  'user root',
];
const dunlinTlsLines = [
  'listeners:',
  '  - {transport: tls, host: 127.0.0.1, port: $PORT, tls: {certificate: server.pem, key: server.key}}',
  'data: data',
];
const dunlinPasswordLines = [
  'listeners: [{host: 127.0.0.1, port: $PORT}]',
  'authentication: [{method: passwordFile, file: passwords}]',
  'data: data',
];

/** How every broker is started, for the run and for the report alike. */
export function brokerKinds(options: BrokerOptions = {}): Record<BrokerName, BrokerKind> {
  const manifest = readManifest('package.json');
  const dunlin = (durability: string, promise: string): BrokerKind => ({
    title: `Dunlin ${durability}`,
    // In memory there is no place for data, and the server refuses one.
    command: `${options.dunlinCommand ?? manifest.scripts?.start} --port $PORT${durability === 'memory' ? '' : ' --data $FOLDER/data'} --durability ${durability}`,
    promise,
    version: () => manifest.version,
  });
  const mosquitto = (title: string, lines: readonly string[], promise: string): BrokerKind => ({
    title,
    command: `exec ${commandPath('mosquitto') ?? 'mosquitto'} -c $FOLDER/broker.conf`,
    configuration: fileOf(lines),
    promise,
    ...absence('mosquitto'),
    version: mosquittoVersion,
  });
  const configured = (title: string, lines: readonly string[], prepare: BrokerKind['prepare']): BrokerKind => ({
    title,
    command: `${options.dunlinCommand ?? manifest.scripts?.start} --config $FOLDER/broker.conf`,
    configuration: fileOf(lines),
    prepare,
    promise: 'the device has it: it survives a loss of power.',
    version: () => manifest.version,
  });
  const locked = (title: string, lines: readonly string[], prepare: BrokerKind['prepare']): BrokerKind => ({
    ...mosquitto(title, lines, 'it is in memory: nothing survives the process.'),
    prepare,
  });
  const aedesVersion = () => readManifest('node_modules/aedes/package.json').version;
  const levelVersion = () => readManifest('node_modules/aedes-persistence-level/package.json').version;
  return {
    dunlin: {
      ...dunlin('durable', 'the device has it: it survives a loss of power.'),
      title: 'Dunlin',
    },
    'dunlin-process': dunlin(
      'process',
      'the operating system has it: it survives `kill -9`; a crash of the system may cost the whole store.',
    ),
    'dunlin-memory': dunlin('memory', 'it is in memory: nothing survives the process.'),
    mosquitto: mosquitto('Mosquitto', mosquittoLines, 'it is in memory: nothing survives the process.'),
    'mosquitto-disk': mosquitto(
      'Mosquitto on disk',
      mosquittoDiskLines,
      'it is in memory; a snapshot is written every 30 minutes and at an orderly end. `kill -9` costs all since then, ' +
        'and no run here is long enough to meet a snapshot: its figures are those of memory.',
    ),
    aedes: {
      title: 'aedes',
      command: 'exec node bench/aedes.ts $PORT',
      promise: 'it is in memory: nothing survives the process.',
      version: aedesVersion,
    },
    'aedes-level': {
      title: 'aedes on level',
      command: 'exec node bench/aedes.ts $PORT $FOLDER/level',
      promise:
        'LevelDB may have it, not flushed: a run of `mqload crash` found acknowledged messages lost after `kill -9`.',
      version: () => `${aedesVersion()} with aedes-persistence-level ${levelVersion()}`,
    },
    nats: {
      title: 'NATS JetStream',
      command: `exec ${commandPath('nats-server') ?? 'nats-server'} -c $FOLDER/broker.conf`,
      configuration: fileOf(natsLines),
      promise:
        'JetStream wrote it to its file: it survives `kill -9`. The file is flushed every two minutes, which this version ' +
        'cannot change: a loss of power costs up to two minutes of acknowledged messages. QoS 0 and 1 only.',
      ...absence('nats-server'),
      version: natsVersion,
    },
    'dunlin-tls': configured('Dunlin, TLS', dunlinTlsLines, writeCertificates),
    'mosquitto-tls': locked('Mosquitto, TLS', mosquittoTlsLines, writeCertificates),
    'dunlin-password': configured('Dunlin, passwords (argon2id)', dunlinPasswordLines, writeDunlinPasswords),
    'mosquitto-password': locked('Mosquitto, passwords (PBKDF2)', mosquittoPasswordLines, writeMosquittoPasswords),
    'dunlin-devices': {
      ...configured('Dunlin, device service', dunlinFleetLines, writeDunlinFleet),
      ports: ['TLS_PORT', 'API_PORT'],
    },
    'mosquitto-devices': {
      ...locked('Mosquitto, password file and certificates', mosquittoFleetLines, writeMosquittoFleet),
      ports: ['TLS_PORT'],
    },
  };
}

function fileOf(lines: readonly string[]): string {
  return `${lines.join('\n')}\n`;
}

function absence(command: 'mosquitto' | 'nats-server'): { absent?: string } {
  return commandPath(command) === undefined ? { absent: command } : {};
}

function readManifest(path: string): { version: string; scripts?: Record<string, string> } {
  return JSON.parse(readFileSync(join(root, path), 'utf8'));
}

function mosquittoVersion(): string {
  const path = commandPath('mosquitto');
  if (path === undefined) return 'not installed';
  try {
    // It has no flag for this; the usage that it prints begins with the version.
    execFileSync(path, ['-h'], { encoding: 'utf8' });
    return 'unknown';
  } catch (error) {
    const { stdout = '' } = error as { stdout?: string };
    return /version (\S+)/.exec(stdout)?.[1] ?? 'unknown';
  }
}

function natsVersion(): string {
  const path = commandPath('nats-server');
  if (path === undefined) return 'not installed';
  return /v(\d\S*)/.exec(execFileSync(path, ['--version'], { encoding: 'utf8' }))?.[1] ?? 'unknown';
}
