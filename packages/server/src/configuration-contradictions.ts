/** What a configuration cannot have together, though each value by itself is right: each a sentence with its path. */

import { LIMITS, type Limits } from '@dunlin/broker';
import { quoted } from '@dunlin/protocol';
import { UNIX_ADDRESS } from '@dunlin/transport/proxy';
import { hostAndPort, hostsOverlap } from './address.ts';
import { formatAmount } from './amount.ts';
import type { Configuration, ListenerConfiguration } from './configuration.ts';
import { hint } from './configuration-reading.ts';
import type { DevicesConfiguration } from './device-configuration.ts';
import { ALLOW_ANONYMOUS, type MethodConfiguration } from './identity-configuration.ts';

/** Every contradiction; empty where there is none. `isAskedElsewhere`: as of `completeConfiguration`. */
export function contradictionsOf(configuration: Configuration, isAskedElsewhere: boolean): string[] {
  const isAsked = isAskedElsewhere || configuration.authentication.length > 0;
  const { listeners, authorities, authentication, clientIds, limits } = configuration;
  if (listeners.length === 0) return ['listeners is empty: at least one listener is expected'];
  return [
    ...listeners.flatMap((listener, index) => listenerProblems(configuration, listener, index, isAsked)),
    ...repeatedNames('authorities', authorities),
    ...repeatedNames('authentication', authentication),
    ...authentication.flatMap(({ name }, index) =>
      name === ALLOW_ANONYMOUS ? [`authentication[${index}].name is ${quoted(name)}: another name is expected`] : [],
    ),
    ...authentication.flatMap((method, index) => methodProblems(configuration, method, `authentication[${index}]`)),
    ...clientIds.flatMap(({ listeners: names }, index) =>
      unknownNames(`clientIds[${index}].listeners`, names, 'listener', listeners),
    ),
    ...authorizationProblems(configuration, isAsked),
    ...deviceProblems(configuration),
    ...apiKeyProblems(configuration),
    ...corsProblems(configuration),
    ...logProblems(configuration),
    ...storageProblems(configuration),
    ...outboxProblems(limits),
  ];
}

interface Named {
  readonly name: string;
}

function repeatedNames(path: string, entries: readonly Named[]): string[] {
  return entries.flatMap(({ name }, index) =>
    entries.findIndex((other) => other.name === name) === index
      ? []
      : [`${path}[${index}].name is ${quoted(name)}: a name that no other entry has is expected`],
  );
}

function unknownNames(path: string, names: readonly string[] = [], what: string, known: readonly Named[]): string[] {
  return names.flatMap((name, index) => unknownName(`${path}[${index}]`, name, what, known));
}

function unknownName(path: string, name: string, what: string, known: readonly Named[]): string[] {
  const names = known.map((entry) => entry.name);
  if (names.includes(name)) return [];
  const expected =
    known.length === 0 ? `there is no ${what}` : hint(name, names, `one of ${names.join(', ')} is expected`);
  return [`${path} is ${quoted(name)}, no ${what}: ${expected}`];
}

function listenerProblems(
  configuration: Configuration,
  listener: ListenerConfiguration,
  index: number,
  isAsked: boolean,
): string[] {
  const { listeners, authorities, authentication } = configuration;
  const path = `listeners[${index}]`;
  return [
    ...placeProblems(listeners, index),
    ...unknownNames(`${path}.tls.authorities`, listener.tls?.authorities, 'authority', authorities),
    ...unknownNames(`${path}.authentication`, listener.authentication, 'method of authentication', authentication),
    ...transportProblems(configuration, listener, path, isAsked),
  ];
}

/** What one listener and those before it cannot have both. */
function placeProblems(listeners: readonly ListenerConfiguration[], index: number): string[] {
  const { name, transport, host, port, path } = listeners[index];
  const earlier = listeners.slice(0, index);
  const problems: string[] = [];
  if (earlier.some((other) => other.name === name))
    problems.push(`listeners[${index}].name is "${name}": a name that no other listener has is expected`);
  const taken = earlier.findIndex((other) =>
    transport === 'unix'
      ? other.path === path
      : other.transport !== 'unix' && port !== 0 && other.port === port && hostsOverlap(other.host, host),
  );
  if (taken !== -1 && transport === 'unix')
    problems.push(`listeners[${index}].path is that of listeners[${taken}]: another path is expected`);
  else if (taken !== -1)
    problems.push(
      `listeners[${index}] is at ${hostAndPort(host, port)}: another address or port than that of ` +
        `listeners[${taken}], ${hostAndPort(earlier[taken].host, port)}, is expected`,
    );
  return problems;
}

function transportProblems(
  { authorities }: Configuration,
  listener: ListenerConfiguration,
  path: string,
  isAsked: boolean,
): string[] {
  const { transport, tls, proxy } = listener;
  const problems: string[] = [];
  const isSecure = transport === 'tls' || transport === 'wss';
  const isWeb = transport === 'ws' || transport === 'wss';
  if (listener.api && !isWeb) problems.push(`${path}.api is true beside transport ${transport}: ws or wss is expected`);
  if (isSecure && (tls?.certificate === undefined || tls.key === undefined))
    problems.push(`${path}.tls is missing: its certificate and key are expected for transport ${transport}`);
  if (!isSecure && tls !== undefined)
    problems.push(`${path}.tls is given beside transport ${transport}: transport tls or wss is expected`);
  if (tls?.clientCertificate !== undefined && tls.clientCertificate !== 'none') {
    const given = `${path}.tls.clientCertificate is ${tls.clientCertificate}`;
    if (authorities.length === 0) problems.push(`${given}: an entry of authorities is expected`);
    // TLS lets through what has expired or was revoked: that is looked at where clients are asked who they are.
    if (!isAsked) problems.push(`${given}: a method in authentication is expected`);
  }
  if (transport === 'unix' && listener.path === undefined)
    problems.push(`${path}.path is missing: a path is expected for transport unix`);
  if (transport !== 'unix' && listener.path !== undefined)
    problems.push(`${path}.path is given beside transport ${transport}: transport unix is expected`);
  if (!/^0?[0-7]{3}$/.test(listener.mode))
    problems.push(`${path}.mode is ${quoted(listener.mode)}: an octal file mode such as 0660 is expected`);
  if (!isWeb && (proxy?.forwardedFor || proxy?.clientCertificateHeader !== undefined))
    problems.push(`${path}.proxy takes headers beside transport ${transport}: transport ws or wss is expected`);
  if ((proxy?.protocol ?? 'none') !== 'none' && (proxy?.forwardedFor || proxy?.clientCertificateHeader !== undefined))
    problems.push(
      `${path}.proxy takes headers beside protocol ${proxy?.protocol}: the PROXY protocol or headers are expected`,
    );
  problems.push(...originProblems(listener, path));
  // Whoever opens the socket is `unix`: without it nobody could connect.
  if (transport === 'unix' && proxy !== undefined && !proxy.trusted.includes(UNIX_ADDRESS))
    problems.push(`${path}.proxy.trusted lacks ${UNIX_ADDRESS}: it is expected beside transport unix`);
  return problems;
}

/** An origin that is written in another way than browsers do would never fit. */
function originProblems({ origins, paths }: ListenerConfiguration, path: string): string[] {
  const isWord = (origin: string): boolean => origin === 'own' || origin === 'any';
  const words = origins.filter(isWord);
  const wrong = origins.find((origin) => !isWord(origin) && URL.parse(origin)?.origin !== origin);
  const wrongPath = paths.find((one) => !/^\/[^?#]*$/.test(one));
  return [
    ...(words.length > 0 && origins.length > 1
      ? [`${path}.origins has ${words[0]} beside others: it alone, or a list of origins, is expected`]
      : []),
    ...(wrong === undefined
      ? []
      : [`${path}.origins has ${quoted(wrong)}: an origin such as https://example.org is expected, or own, or any`]),
    ...(wrongPath === undefined ? [] : [`${path}.paths has ${quoted(wrongPath)}: a path such as /mqtt is expected`]),
  ];
}

function deviceProblems({ devices, authorities }: Configuration): string[] {
  if (devices === undefined) return [];
  const { authority, masterKey, registration } = devices;
  const types = Object.keys(devices.types).map((name) => ({ name }));
  const sources = Object.keys(masterKey ?? {});
  const found = sources.length === 0 ? 'is empty' : `has ${sources.join(' and ')}`;
  return [
    ...(authority === undefined ? [] : unknownName('devices.authority.name', authority.name, 'authority', authorities)),
    ...(authority !== undefined && masterKey === undefined
      ? ['devices.authority is given and devices.masterKey is missing: what its key is encrypted under is expected']
      : []),
    ...(masterKey !== undefined && sources.length !== 1
      ? [`devices.masterKey ${found}: one of file, environment, credential is expected`]
      : []),
    ...registration.flatMap((entry, index) => [
      ...unknownName(`devices.registration[${index}].authority`, entry.authority, 'authority', authorities),
      ...unknownName(`devices.registration[${index}].type`, entry.type, 'device type', types),
      ...registrationProblems(`devices.registration[${index}].type`, entry.type, devices),
    ]),
  ];
}

/** Whoever is registered as it comes has a certificate and no attributes: of some types it would never come in. */
function registrationProblems(path: string, name: string, { types }: DevicesConfiguration): string[] {
  if (!Object.hasOwn(types, name)) return [];
  const { credential, requiredAttributes = [] } = types[name];
  return [
    ...(credential === 'token'
      ? [`${path} is ${quoted(name)}, whose credential is token: a type with certificate or either is expected`]
      : []),
    ...(requiredAttributes.length > 0
      ? [
          `${path} is ${quoted(name)}, whose devices need the attribute ${requiredAttributes.join(' and ')}: a type without ` +
            'requiredAttributes is expected, since who is registered as it comes has none',
        ]
      : []),
  ];
}

/** None for all: a page that may read answers is named. */
function corsProblems({ api: { cors } }: Configuration): string[] {
  const isOrigin = (text: string): boolean => /^https?:[^*]+$/.test(text) && URL.parse(text)?.origin === text;
  return (cors?.origins ?? [])
    .filter((origin) => !isOrigin(origin))
    .map((origin) => `api.cors.origins has ${quoted(origin)}: an origin such as https://app.example.org is expected`);
}

function apiKeyProblems({ api: { keys } }: Configuration): string[] {
  const problems = keys.flatMap(({ name, sha256, file }, index) => {
    const path = `api.keys[${index}]`;
    if (!/^[\w.-]{1,64}$/.test(name))
      return [`${path}.name is ${quoted(name)}: up to 64 letters, digits, dots, hyphens and underscores are expected`];
    if ((sha256 === undefined) === (file === undefined))
      return [`${path} has ${sha256 === undefined ? 'neither sha256 nor file' : 'sha256 and file'}: one is expected`];
    // It may be the key itself, which nothing shows.
    if (sha256 !== undefined && !/^[\da-f]{64}$/i.test(sha256))
      return [`${path}.sha256 is no SHA-256: 64 hexadecimal digits are expected`];
    return [];
  });
  return [...repeatedNames('api.keys', keys), ...problems];
}

function methodProblems({ authorities, devices }: Configuration, method: MethodConfiguration, path: string): string[] {
  switch (method.method) {
    case 'certificate':
      if (authorities.length === 0)
        return [`${path} is a method certificate and authorities is empty: an authority is expected`];
      return unknownNames(`${path}.authorities`, method.authorities, 'authority', authorities);
    case 'jwt': {
      const sources = (['secret', 'secretFile', 'keys', 'jwksFile', 'jwksUrl'] as const).filter(
        (key) => method[key] !== undefined,
      );
      const needless = (['jwksHeaders', 'jwksHeaderFiles', 'jwksAuthority'] as const).filter(
        (key) => method[key] !== undefined && method.jwksUrl === undefined,
      );
      if (needless.length > 0)
        return [`${path} has ${needless.join(' and ')} without jwksUrl: it is expected beside them`];
      if (sources.length === 1) return [];
      const found = sources.length === 0 ? 'has no key' : `has ${sources.join(' and ')}`;
      return [`${path} ${found}: one of secret, secretFile, keys, jwksFile, jwksUrl is expected`];
    }
    case 'devices':
      return devices === undefined
        ? [`${path} is a method devices and devices is missing: its types are expected`]
        : [];
    case 'users':
      return repeatedNames(`${path}.users`, method.users);
    default:
      return [];
  }
}

function authorizationProblems({ authorization }: Configuration, isAsked: boolean): string[] {
  const { rules, roles, rulesFile, aclFile } = authorization;
  const problems: string[] = [];
  const given = Object.entries({ rules, roles, rulesFile, aclFile }).filter(([, value]) => value !== undefined);
  const isInline = rules !== undefined || roles !== undefined;
  if (isInline && (rulesFile ?? aclFile) !== undefined)
    problems.push(`authorization has ${given.map(([key]) => key).join(' and ')}: rules or files are expected`);
  if (given.length > 0 && !isAsked)
    problems.push(
      'authorization has rules and authentication is empty: nobody is asked who they are, a method is expected',
    );
  return problems;
}

function logProblems({ log: { to, file } }: Configuration): string[] {
  if (to.includes('file') === (file !== undefined)) return [];
  return file === undefined
    ? ['log.to names file and log.file is missing: a path is expected']
    : ['log.file is given and log.to does not name file: both or none are expected'];
}

function storageProblems({ durability, data }: Configuration): string[] {
  if (durability === 'memory' || data !== undefined) return [];
  return [`durability is "${durability}" and data is missing: a directory is expected, or durability "memory"`];
}

function outboxProblems(limits: Partial<Limits>): string[] {
  const soft = limits.outboxBytesMax ?? LIMITS.outboxBytesMax.default;
  const hard = limits.outboxBytesHardMax ?? LIMITS.outboxBytesHardMax.default;
  if (soft <= hard) return [];
  const most = formatAmount(hard, 'bytes');
  return [
    `limits.outboxBytesMax is ${formatAmount(soft, 'bytes')}: at most limits.outboxBytesHardMax, ${most}, is expected`,
  ];
}
