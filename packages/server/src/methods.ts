/** Makes the methods of authentication that the configuration names. */
import type { AuthenticationRequest, AuthenticationResult, Awaitable, Clock } from '@dunlin/broker';
import {
  type Authorities,
  anonymousMethod,
  certificateMethod,
  type HttpOptions,
  httpMethod,
  jwtMethod,
  type Method,
  type PasswordVerifier,
  passwordFile,
  scram,
  type TellMethodEvent,
  type TokenKey,
  type UserChanges,
  users,
} from '@dunlin/identity';
import { ConfigurationError } from './configuration.ts';
import { readConfiguredFile } from './configured-file.ts';
import type {
  HttpConfiguration,
  JwtConfiguration,
  MethodConfiguration,
  UsersConfiguration,
} from './identity-configuration.ts';

/** What all methods of a server share. */
export interface MethodParts {
  readonly clock: Clock;
  readonly verifier: PasswordVerifier;
  readonly registry: Authorities;
  readonly tell: TellMethodEvent;
  /** The method of the device service, called as the configuration says. Given where there is one. */
  readonly devices?: ((name: string) => Method) | undefined;
  /** What SCRAM makes the salts of unknown users from. Default: another one with each start. */
  readonly saltKey?: (() => Uint8Array) | undefined;
}

/** A method, and how it goes on when the configuration is read again. */
export interface LoadedMethod {
  readonly method: Method;
  /**
   * Reads the files of the method again for this configuration, and returns what puts that in force, which cannot fail.
   * Undefined where the configuration makes another method of it: one that knows nobody whom this one let in. Throws where
   * a file cannot be used.
   */
  readonly continuation: (next: MethodConfiguration) => Reload | undefined;
}

/**
 * Makes a method and reads its files.
 * @throws ConfigurationError where the configuration or a file cannot be used
 */
export function loadMethod(configuration: MethodConfiguration, parts: MethodParts): LoadedMethod {
  try {
    const { method, prepareReload } = load(configuration, parts);
    const groups = 'groups' in configuration && configuration.method !== 'anonymous' ? configuration.groups : undefined;
    return {
      method: groups === undefined ? method : withGroups(method, groups),
      continuation: (next) =>
        definitionOf(next) === definitionOf(configuration) ? (prepareReload?.(next) ?? goOn) : undefined,
    };
  } catch (error) {
    throw new ConfigurationError([`authentication "${configuration.name}": ${(error as Error).message}`]);
  }
}

/**
 * What may be another one while the method goes on: users and keys, which come and go one by one and with those whom they let
 * in, and options that change neither whom it lets in nor as whom.
 */
const ADJUSTABLE: Partial<Record<MethodConfiguration['method'], readonly string[]>> = {
  users: ['users'],
  jwt: ['secret', 'secretFile', 'keys', 'jwksFile', 'jwksHeaders', 'jwksHeaderFiles', 'jwksMaxAgeS', 'jwksStaleMaxS'],
  http: ['headers', 'headerFiles', 'timeoutMs', 'requestsMax', 'waitingMax', 'cacheS', 'staleMaxS', 'whenDown'],
};

/** All of a configuration that makes the method the one that it is. */
function definitionOf(configuration: MethodConfiguration): string {
  const adjustable = ADJUSTABLE[configuration.method] ?? [];
  return JSON.stringify(Object.entries(configuration).filter(([key]) => !adjustable.includes(key)));
}

type Reload = () => UserChanges | undefined;

/** Of a method that reads nothing. */
const goOn: Reload = () => undefined;

/** Of a method without users. */
const withoutUsers =
  (apply: () => void): Reload =>
  () =>
    void apply();

interface Loaded {
  readonly method: Method;
  readonly prepareReload?: (configuration: MethodConfiguration) => Reload;
}

function load(configuration: MethodConfiguration, parts: MethodParts): Loaded {
  const { name } = configuration;
  const { clock, verifier, registry, tell } = parts;
  switch (configuration.method) {
    case 'passwordFile': {
      const method = passwordFile({ name, file: configuration.file, verifier });
      return { method, prepareReload: () => method.prepareReload() };
    }
    case 'users': {
      const method = users({ name, users: configuration.users, verifier });
      return { method, prepareReload: (next) => method.prepareReload((next as UsersConfiguration).users) };
    }
    case 'scram': {
      const fakeSaltKey = parts.saltKey?.();
      const method = scram({ name, file: configuration.file, fakeSaltKey });
      return { method, prepareReload: () => method.prepareReload() };
    }
    case 'jwt': {
      const method = makeJwt(configuration, parts);
      const prepareReload = (next: MethodConfiguration): Reload =>
        withoutUsers(method.prepareReload(tokenKeys(next as JwtConfiguration)));
      return { method, prepareReload };
    }
    case 'http': {
      const method = httpMethod(httpOptions(configuration, clock, tell));
      const prepareReload = (next: MethodConfiguration): Reload =>
        withoutUsers(method.prepareReload(httpOptions(next as HttpConfiguration, clock, tell)));
      return { method, prepareReload };
    }
    case 'certificate': {
      const { username, match, authorities } = configuration;
      return { method: certificateMethod({ name, registry, authorities, username, match }) };
    }
    case 'devices': {
      if (parts.devices === undefined) throw new Error('there is no device service: devices is expected');
      return { method: parts.devices(name) };
    }
    case 'anonymous':
      return {
        method: anonymousMethod({
          name,
          groups: configuration.groups,
          acceptsUsername: configuration.acceptsUsername,
        }),
      };
  }
}

function withGroups(method: Method, groups: readonly string[]): Method {
  const added = (result: AuthenticationResult | undefined): AuthenticationResult | undefined =>
    result?.kind === 'accept'
      ? { ...result, principal: { ...result.principal, groups: [...result.principal.groups, ...groups] } }
      : result;
  return {
    name: method.name,
    authenticationMethods: method.authenticationMethods,
    authenticate(request: AuthenticationRequest): Awaitable<AuthenticationResult | undefined> {
      const result = method.authenticate(request);
      return result instanceof Promise ? result.then(added) : added(result);
    },
    review: (principal) => method.review?.(principal),
    close: () => method.close?.(),
  };
}

function makeJwt(configuration: JwtConfiguration, { clock, tell }: MethodParts) {
  const { name, from, algorithms, issuer, audience, requireExpiry, clockToleranceS } = configuration;
  const { claims, usernameClaim, groupsClaim, rulesClaim, attributes } = configuration;
  return jwtMethod({
    name,
    clock,
    tell,
    keys: tokenKeys(configuration),
    algorithms,
    from,
    issuer: issuer ?? false,
    audience: audience ?? false,
    mustExpire: requireExpiry,
    clockToleranceMs: clockToleranceS === undefined ? undefined : clockToleranceS * 1_000,
    claims,
    usernameClaim,
    groupsClaim,
    rulesClaim: rulesClaim ?? false,
    attributeClaims: attributes,
  });
}

function tokenKeys(configuration: JwtConfiguration): TokenKey[] {
  const { keys = [], jwksFile, jwksUrl, jwksHeaders, jwksHeaderFiles, jwksAuthority } = configuration;
  const { jwksMaxAgeS, jwksStaleMaxS } = configuration;
  const found: TokenKey[] = keys.map((publicKeyFile) => ({ publicKeyFile }));
  const secret = secretOf(configuration);
  if (secret !== undefined) found.push({ secret });
  if (jwksFile !== undefined) found.push({ keySetFile: jwksFile });
  if (jwksUrl !== undefined)
    found.push({
      keySetUrl: jwksUrl,
      ...(jwksHeaders !== undefined && { headers: jwksHeaders }),
      ...(jwksHeaderFiles !== undefined && { headerFiles: jwksHeaderFiles }),
      ...(jwksAuthority !== undefined && { authorities: readAuthorities(jwksAuthority) }),
      ...(jwksMaxAgeS !== undefined && { maxAgeMs: jwksMaxAgeS * 1_000 }),
      ...(jwksStaleMaxS !== undefined && { staleMaxMs: jwksStaleMaxS * 1_000 }),
    });
  return found;
}

function secretOf({ secret, secretFile }: JwtConfiguration): Buffer | undefined {
  // Whoever writes a file with an editor ends its last line.
  if (secretFile !== undefined) return withoutLineBreak(readConfiguredFile(secretFile, 'a secret'));
  return secret === undefined ? undefined : Buffer.from(secret);
}

function withoutLineBreak(bytes: Buffer): Buffer {
  let end = bytes.length;
  if (bytes[end - 1] === 0x0a) end -= 1;
  if (bytes[end - 1] === 0x0d) end -= 1;
  return bytes.subarray(0, end);
}

/** Of a service that is asked. */
function readAuthorities(file: string): string {
  return readConfiguredFile(file, 'the authorities of the service').toString('utf8');
}

function httpOptions(configuration: HttpConfiguration, clock: Clock, tell: TellMethodEvent): HttpOptions {
  const { method: _, allowHttp, authority, cacheS, staleMaxS, ...rest } = configuration;
  const options: HttpOptions = {
    ...rest,
    clock,
    tell,
    allowsPlainHttp: allowHttp,
    authorities: authority === undefined ? undefined : readAuthorities(authority),
    acceptsKeptMs: cacheS === undefined ? undefined : cacheS * 1_000,
    staleMaxMs: staleMaxS === undefined ? undefined : staleMaxS * 1_000,
  };
  // What is undefined would take the place of its default.
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as typeof options;
}
