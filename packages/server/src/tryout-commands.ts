/** Commands that reach a running server, for the first screen: none that cannot work. */
import type { ProtocolVersion } from '@dunlin/protocol';
import type { Configuration, ListenerConfiguration } from './configuration.ts';
import { isOpen, methodsAt } from './let-in.ts';
import type { BoundListener } from './open-listener.ts';
import { shellWord } from './shell-word.ts';
import { tlsClient } from './tls-client.ts';
import { toolCommand } from './tool-command.ts';

/** Where everybody looks for a broker by himself. */
const USUAL_HOSTS: readonly string[] = ['0.0.0.0', '::', 'localhost', '127.0.0.1'];
const USUAL_PORT = 1883;
/** Flags of its tools by Protocol Level, what they speak by themselves first. */
const MOSQUITTO_VERSIONS: readonly (readonly [level: ProtocolVersion, flag: string])[] = [
  [4, ''],
  [5, ' -V mqttv5'],
  [3, ' -V mqttv31'],
];

/**
 * Lines with commands for two terminals, through the first listener that a tool can reach. Words in capitals stand for
 * what the reader knows. Empty where no tool gets in: through a proxy, by WebSocket, or by SCRAM.
 */
export function tryoutCommands(configuration: Configuration, listeners: readonly BoundListener[]): string[] {
  const first = listeners.find((listener) => canMosquitto(configuration, listener));
  const own = listeners.find((listener) => canDunlin(configuration, listener));
  if (first === undefined) return own === undefined ? [] : ['Try it in two other terminals:', ...ownPair(own)];
  const flags = mosquittoFlags(configuration, first);
  const sub = `  mosquitto_sub${flags} -t 'greetings/#' -v`;
  const pub = `  mosquitto_pub${flags} -t greetings/hello -m 'Hello from the terminal'`;
  if (own === undefined) return ['Try it in two other terminals:', sub, pub];
  if (own === first)
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
    `or with Dunlin's own tool, by the listener "${own.name}":`,
    ...ownPair(own),
  ];

  function ownPair(listener: BoundListener): string[] {
    const all = `${placeFlags(listener)}${whoFlags(configuration, listener.configuration)}`;
    return [
      `  ${toolCommand()} sub${all} -t 'greetings/#' -v`,
      `  ${toolCommand()} pub${all} -t greetings/hello -m 'Hello from the terminal'`,
    ];
  }
}

/** It speaks 5.0 by itself, and TCP alone. */
function canDunlin(configuration: Configuration, { transport, configuration: listener }: BoundListener): boolean {
  return transport === 'tcp' && listener.versions.includes(5) && canComeIn(configuration, listener);
}

function canMosquitto(configuration: Configuration, { transport, configuration: listener }: BoundListener): boolean {
  return ['tcp', 'tls', 'unix'].includes(transport) && canComeIn(configuration, listener);
}

function canComeIn(configuration: Configuration, listener: ListenerConfiguration): boolean {
  if ((listener.proxy?.protocol ?? 'none') !== 'none') return false;
  return isOpen(configuration, listener) || credentialOf(configuration, listener) !== undefined;
}

function mosquittoFlags(configuration: Configuration, listener: BoundListener): string {
  const { transport, configuration: entry } = listener;
  const [, version] = MOSQUITTO_VERSIONS.find(([level]) =>
    entry.versions.includes(level),
  ) as (typeof MOSQUITTO_VERSIONS)[0];
  const who = `${version}${whoFlags(configuration, entry)}`;
  if (transport === 'unix') return ` --unix ${shellWord(entry.path as string)}${who}`;
  if (transport === 'tcp') return `${placeFlags(listener)}${who}`;
  return `${tlsFlags(configuration, listener)}${who}`;
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
function whoFlags(configuration: Configuration, listener: ListenerConfiguration): string {
  const isAsked = (names: readonly string[] | undefined): boolean => names?.includes(listener.name) ?? true;
  const id = configuration.clientIds.some(({ listeners }) => isAsked(listeners)) ? ' -i CLIENTID' : '';
  const pair = listener.tls?.clientCertificate === 'required' ? ' --cert CERTIFICATE --key KEY' : '';
  const credential = isOpen(configuration, listener) ? '' : (credentialOf(configuration, listener) ?? '');
  return `${credential.startsWith(pair) ? '' : pair}${credential}${id}`;
}

/** For the first method that tools can answer; undefined where there is none. */
function credentialOf(configuration: Configuration, listener: ListenerConfiguration): string | undefined {
  for (const method of methodsAt(configuration, listener))
    switch (method.method) {
      case 'passwordFile':
      case 'users':
      case 'http':
        return ' -u USER -P PASSWORD';
      case 'jwt':
        return method.from === 'username' ? ' -u TOKEN' : ' -u USER -P TOKEN';
      case 'certificate':
        // Behind a proxy it is the proxy to which it is shown.
        if (listener.tls === undefined) break;
        return ` --cert CERTIFICATE --key KEY${{ none: '', username: ' -u NAME', clientId: ' -i NAME' }[method.match ?? 'none']}`;
    }
  return undefined;
}
