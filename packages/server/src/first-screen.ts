/** What a person reads when the server has started: where it listens, what it keeps, what to try. */
import { LIMITS } from '@dunlin/broker';
import { hostAndPort, isLoopback } from './address.ts';
import type { Configuration } from './configuration.ts';
import { VERSIONS } from './listener-table.ts';
import type { BoundListener } from './open-listener.ts';
import type { RunningServer } from './server.ts';

/** The first screen, ready to print. `title` names the program and its version. */
export function firstScreen(title: string, server: RunningServer): string {
  const { listeners, configuration } = server;
  return [
    title,
    '',
    ...listeners.map(listenerLine),
    '',
    keepingLine(configuration),
    ...connectionsLine(server),
    '',
    ...commands(listeners[0]),
    '',
    '  Ctrl-C stops it.',
    '',
    '',
  ].join('\n');
}

function listenerLine({ host, port, addresses, configuration }: BoundListener): string {
  const names = Object.entries(VERSIONS).filter(([, level]) => configuration.versions.includes(level));
  const versions = `MQTT ${names.map(([name]) => name).join(', ')}`;
  const open = isLoopback(host) ? 'open to this machine alone' : reach(configuration.allowAnonymous);
  const shown = addresses.length > 1 || host !== addresses[0] ? ` (${addresses.join(' and ')})` : '';
  return `  ${versions} at mqtt://${hostAndPort(host, port)}${shown}, ${open}`;
}

function reach(allowAnonymous: boolean): string {
  return allowAnonymous ? 'open to EVERYBODY who can reach this machine' : 'open to clients that authenticate';
}

/** What survives what. */
function keepingLine({ data, durability }: Configuration): string {
  if (durability === 'memory')
    return '  Everything is in memory: sessions, queues and retained messages end with this process.';
  const where = `  What is acknowledged is kept in ${JSON.stringify(data)}`;
  if (durability === 'durable') return `${where} and on its disk: it survives kill -9 and a power cut.`;
  return `${where}: it survives kill -9; a crash of the operating system may cost all of it.`;
}

function connectionsLine({ configuration, connectionsMax, fileLimit }: RunningServer): string[] {
  const wanted = configuration.limits.connectionsMax ?? LIMITS.connectionsMax.default;
  if (connectionsMax >= wanted) return [];
  return [`  Up to ${connectionsMax} connections at once: this process may open ${fileLimit} files (ulimit -n).`];
}

function commands({ host, port, configuration }: BoundListener): string[] {
  const flags = `${hostFlag(host)}${port === 1883 ? '' : ` -p ${port}`}`;
  // The commands of Dunlin speak 5.0 by themselves, those of Mosquitto 3.1.1.
  const five = configuration.versions.includes(5);
  const sub = five ? 'npx dunlin sub' : `mosquitto_sub`;
  const pub = five ? 'npx dunlin pub' : `mosquitto_pub`;
  return [
    '  Try it in two other terminals:',
    `    ${sub}${flags} -t 'greetings/#' -v`,
    `    ${pub}${flags} -t greetings/hello -m 'Hello from the terminal'`,
    ...(five
      ? ["  or with Mosquitto's tools, whose flags are much the same:", `    mosquitto_sub${flags} -t 'greetings/#' -v`]
      : []),
  ];
}

/** Clients look for a broker at localhost by themselves. */
function hostFlag(host: string): string {
  if (host === '0.0.0.0' || host === '::' || host === 'localhost' || host === '127.0.0.1') return '';
  return ` -h ${host}`;
}
