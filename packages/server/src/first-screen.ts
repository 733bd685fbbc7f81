/** What a person reads when the server has started: where it listens, what it keeps, what to try. */
import { resolve } from 'node:path';
import { LIMITS } from '@dunlin/broker';
import { compileRules, type RuleAuthorizer } from '@dunlin/identity';
import { hostAndPort } from './address.ts';
import { type Configuration, ConfigurationError, type ListenerConfiguration } from './configuration.ts';
import { deviceTypes } from './device-configuration.ts';
import { isWithoutRules, letInText } from './let-in.ts';
import { VERSIONS } from './listener-table.ts';
import type { BoundListener } from './open-listener.ts';
import { configuredRules } from './rules.ts';
import type { RunningServer } from './server.ts';
import { shellWord } from './shell-word.ts';
import { toolCommand } from './tool-command.ts';
import { tryoutCommands } from './tryout-commands.ts';

/** The first screen, ready to print. `title` names the program and its version. */
export function firstScreen(title: string, server: RunningServer): string {
  const { listeners, configuration } = server;
  const commands = suggestions(configuration, listeners).map((line) => `  ${line}`);
  return [
    title,
    '',
    ...listeners.flatMap((listener) => [listenerLine(configuration, listener), ...apiLine(configuration, listener)]),
    '',
    ...rulesLine(configuration),
    keepingLine(configuration),
    ...connectionsLine(server),
    '',
    ...commands,
    ...(commands.length > 0 ? [''] : []),
    '  Ctrl-C stops it.',
    '',
    '',
  ].join('\n');
}

/** What to type next: none that cannot work. */
function suggestions(configuration: Configuration, listeners: readonly BoundListener[]): string[] {
  const authorizer = authorizerOf(configuration);
  const commands = authorizer === undefined ? [] : tryoutCommands({ configuration, authorizer }, listeners);
  return commands.length > 0 ? commands : deviceCommands(configuration);
}

/** Undefined where the rules cannot be read any more. */
function authorizerOf({ authorization, devices }: Configuration): RuleAuthorizer | undefined {
  try {
    const { rules, ...options } = configuredRules(authorization, devices);
    return compileRules(rules, options);
  } catch (error) {
    if (error instanceof ConfigurationError) return undefined;
    throw error;
  }
}

/** How the first device is made. They reach the server by its data directory. */
function deviceCommands({ devices, data, durability }: Configuration): string[] {
  const [first] = devices === undefined ? [] : deviceTypes(devices);
  if (first === undefined || data === undefined || durability === 'memory') return [];
  const { name, credential, requiredAttributes } = first;
  const attributes = requiredAttributes.map((attribute) => ` --attribute ${attribute}=VALUE`).join('');
  const place = ` --data ${shellWord(resolve(data))}`;
  const tool = `  ${toolCommand()} device`;
  const certificate = devices?.authority === undefined ? [] : [`${tool} cert ID --out FOLDER${place}`];
  return [
    'Add a device in another terminal:',
    `${tool} add ID --type ${name}${attributes}${place}`,
    ...(credential === 'certificate' ? certificate : [`${tool} token ID${place}`]),
  ];
}

function listenerLine(configuration: Configuration, bound: BoundListener): string {
  const { configuration: listener } = bound;
  const names = Object.entries(VERSIONS).filter(([, level]) => listener.versions.includes(level));
  const versions = `MQTT ${names.map(([name]) => name).join(', ')}`;
  return `  ${versions} at ${urlOf(bound)}${addressesText(bound)}${proxyText(listener)}, ${letInText(configuration, listener)}`;
}

/** Where programs ask, and owners of devices sign in with a browser. */
function apiLine(
  { devices }: Configuration,
  { transport, host, port, configuration: { api } }: BoundListener,
): string[] {
  if (!api) return [];
  const place = `${transport === 'wss' ? 'https' : 'http'}://${hostAndPort(host, port)}`;
  const isClaimable = Object.values(devices?.types ?? {}).some(({ claimable }) => claimable);
  const page = isClaimable ? `; owners of devices sign in at ${place}/claim` : '';
  return [`  HTTP API at ${place}/api/v1, asks for an API key${page}`];
}

/** As clients are told it. */
function urlOf({ transport, host, port, configuration: { path, paths } }: BoundListener): string {
  const place = hostAndPort(host, port);
  switch (transport) {
    case 'tls':
      return `mqtts://${place}`;
    case 'ws':
    case 'wss':
      return paths.map((each) => `${transport}://${place}${each}`).join(' and ');
    case 'unix':
      return `the socket ${path}`;
    default:
      return `mqtt://${place}`;
  }
}

/** Only where they say more than the URL. */
function addressesText({ transport, host, port, addresses }: BoundListener): string {
  const isSaid = addresses.length === 1 && addresses[0] === hostAndPort(host, port);
  return transport === 'unix' || isSaid ? '' : ` (${addresses.join(' and ')})`;
}

function proxyText({ proxy }: ListenerConfiguration): string {
  const protocol = proxy?.protocol ?? 'none';
  return protocol === 'none' ? '' : ' behind a proxy (PROXY protocol)';
}

/** Where somebody is asked who he is, he may think that it matters. */
function rulesLine(configuration: Configuration): string[] {
  if (configuration.authentication.length === 0 || !isWithoutRules(configuration)) return [];
  return ['  Whoever is let in may do EVERYTHING: there are no rules (authorization.rulesFile, docs/guide/rules.md).'];
}

/** What survives what. */
function keepingLine({ data, durability }: Configuration): string {
  if (durability === 'memory')
    return '  Everything is in memory: sessions, queues and retained messages end with this process.';
  // Whole, for a command that runs elsewhere.
  const where = `  What is acknowledged is kept in ${JSON.stringify(resolve(data ?? ''))}`;
  if (durability === 'durable') return `${where} and on its disk: it survives kill -9 and a power cut.`;
  return `${where}: it survives kill -9; a crash of the operating system may cost all of it.`;
}

function connectionsLine({ configuration, connectionsMax, fileLimit }: RunningServer): string[] {
  const wanted = configuration.limits.connectionsMax ?? LIMITS.connectionsMax.default;
  if (connectionsMax >= wanted) return [];
  return [`  Up to ${connectionsMax} connections at once: this process may open ${fileLimit} files (ulimit -n).`];
}
