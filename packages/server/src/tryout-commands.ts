/** Commands that reach a running server, for the first screen: none that cannot work. */
import type { RuleAuthorizer } from '@dunlin/identity';
import type { ProtocolVersion } from '@dunlin/protocol';
import type { Configuration, ListenerConfiguration } from './configuration.ts';
import type { BoundListener } from './open-listener.ts';
import { shellWord } from './shell-word.ts';
import { tlsClient } from './tls-client.ts';
import { toolCommand } from './tool-command.ts';
import { TRYOUT, type Visitor, visitorAt } from './tryout-visitor.ts';

/** Where everybody looks for a broker by himself. */
const USUAL_HOSTS: readonly string[] = ['0.0.0.0', '::', 'localhost', '127.0.0.1'];
const USUAL_PORT = 1883;
/** Flags of its tools by Protocol Level, what they speak by themselves first. */
const MOSQUITTO_VERSIONS: readonly (readonly [level: ProtocolVersion, flag: string])[] = [
  [4, ''],
  [5, ' -V mqttv5'],
  [3, ' -V mqttv31'],
];

/** The server that is tried: what it is configured as, and the rules that are in force. */
interface Server {
  readonly configuration: Configuration;
  readonly authorizer: RuleAuthorizer;
}

/** A listener, and who comes in there. */
interface Entrance {
  readonly listener: BoundListener;
  readonly visitor: Visitor;
}

/**
 * Lines with commands for two terminals, through the first listener that a tool can reach. Words in capitals stand for
 * what the reader knows. Empty where no tool gets in: through a proxy, by WebSocket, or by SCRAM; and where the rules deny
 * whoever gets in what the commands do.
 */
export function tryoutCommands(server: Server, listeners: readonly BoundListener[]): string[] {
  const first = entranceOf(server, listeners.filter(canMosquitto));
  const own = entranceOf(server, listeners.filter(canDunlin));
  if (first === undefined) return own === undefined ? [] : ['Try it in two other terminals:', ...ownPair(own)];
  const flags = mosquittoFlags(server, first);
  const sub = `  mosquitto_sub${flags} -t '${TRYOUT.filter}' -v`;
  const pub = `  mosquitto_pub${flags} -t ${TRYOUT.topic} -m 'Hello from the terminal'`;
  if (own === undefined) return ['Try it in two other terminals:', sub, pub];
  if (own.listener === first.listener)
    return [
      'Try it in two other terminals:',
      ...ownPair(own),
      "or with Mosquitto's tools, whose flags are much the same:",
      sub,
      pub,
    ];
  return [
    'Try it in two other terminals:',
    sub,
    pub,
    `or with Dunlin's own tool, by the listener "${own.listener.name}":`,
    ...ownPair(own),
  ];

  function ownPair({ listener, visitor }: Entrance): string[] {
    const all = `${placeFlags(listener)}${whoFlags(server, visitor, listener.configuration)}`;
    return [
      `  ${toolCommand()} sub${all} -t '${TRYOUT.filter}' -v`,
      `  ${toolCommand()} pub${all} -t ${TRYOUT.topic} -m 'Hello from the terminal'`,
    ];
  }
}

/** It speaks 5.0 by itself, and TCP alone. */
function canDunlin({ transport, configuration: { versions } }: BoundListener): boolean {
  return transport === 'tcp' && versions.includes(5);
}

function canMosquitto({ transport }: BoundListener): boolean {
  return ['tcp', 'tls', 'unix'].includes(transport);
}

/** The first of the listeners where somebody comes in. */
function entranceOf({ configuration, authorizer }: Server, listeners: readonly BoundListener[]): Entrance | undefined {
  for (const listener of listeners) {
    if ((listener.configuration.proxy?.protocol ?? 'none') !== 'none') continue;
    const visitor = visitorAt(configuration, listener.configuration, authorizer);
    if (visitor !== undefined) return { listener, visitor };
  }
  return undefined;
}

function mosquittoFlags(server: Server, { listener, visitor }: Entrance): string {
  const { transport, configuration: entry } = listener;
  const [, version] = MOSQUITTO_VERSIONS.find(([level]) =>
    entry.versions.includes(level),
  ) as (typeof MOSQUITTO_VERSIONS)[0];
  const who = `${version}${whoFlags(server, visitor, entry)}`;
  if (transport === 'unix') return ` --unix ${shellWord(entry.path as string)}${who}`;
  if (transport === 'tcp') return `${placeFlags(listener)}${who}`;
  return `${tlsFlags(server.configuration, listener)}${who}`;
}

function placeFlags({ host, port }: BoundListener): string {
  const hostFlag = USUAL_HOSTS.includes(host) ? '' : ` -h ${host}`;
  return `${hostFlag}${port === USUAL_PORT ? '' : ` -p ${port}`}`;
}

function tlsFlags({ authorities }: Configuration, { host, port, configuration: { tls } }: BoundListener): string {
  if (tls === undefined) return '';
  const hosts = host !== '127.0.0.1' && USUAL_HOSTS.includes(host) ? ['localhost', '127.0.0.1'] : [host];
  const known = tlsClient(
    tls,
    hosts,
    authorities.map(({ certificate }) => certificate),
  );
  const authority = known.authorityFile === undefined ? 'AUTHORITY' : shellWord(known.authorityFile);
  return ` --cafile ${authority} -h ${known.host ?? 'HOST'} -p ${port}`;
}

/** Flags that show who comes. */
function whoFlags({ configuration }: Server, { flags }: Visitor, listener: ListenerConfiguration): string {
  const isAsked = (names: readonly string[] | undefined): boolean => names?.includes(listener.name) ?? true;
  const id = configuration.clientIds.some(({ listeners }) => isAsked(listeners)) ? ' -i CLIENTID' : '';
  const pair = listener.tls?.clientCertificate === 'required' ? ' --cert CERTIFICATE --key KEY' : '';
  return `${flags.startsWith(pair) ? '' : pair}${flags}${id}`;
}
