/** Makes the methods of authentication that the configuration names. */
import { timingSafeEqual } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { AuthenticationRequest, AuthenticationResult, Awaitable, Clock } from '@dunlin/broker';
import {
  type Authorities,
  anonymousMethod,
  certificateMethod,
  type HttpMethod,
  type HttpOptions,
  httpMethod,
  type JwtMethod,
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
}

/** A method, and how it goes on when the configuration is read again. */
export interface LoadedMethod {
  readonly method: Method;
  /**
   * Reads the files of the method again for this configuration, and returns what puts that in force, which cannot fail.
   * Undefined where the configuration, or the secret it names, makes another method of it: one that knows nobody whom
   * this one let in. Throws where a file cannot be used.
   */
  readonly continuation: (next: MethodConfiguration) => Reload | undefined;
}

/**
 * Makes a method and reads its files.
 * @throws ConfigurationError where the configuration or a file cannot be used
 */
export function loadMethod(configuration: MethodConfiguration, parts: MethodParts): LoadedMethod {
  try {
    const { method, prepareReload, isSame = () => true } = load(configuration, parts);
    const groups = 'groups' in configuration && configuration.method !== 'anonymous' ? configuration.groups : undefined;
    return {
      method: groups === undefined ? method : withGroups(method, groups),
      continuation: (next) =>
        definitionOf(next) === definitionOf(configuration) && isSame(next)
          ? (prepareReload?.(next) ?? goOn)
          : undefined,
    };
  } catch (error) {
    throw new ConfigurationError([`authentication "${configuration.name}": ${(error as Error).message}`]);
  }
}

/**
 * What may be another one while the method goes on: users, who come and go one by one, and options that change neither whom
 * it lets in nor as whom. `keys`: as long as none is taken away.
 */
const ADJUSTABLE: Partial<Record<MethodConfiguration['method'], readonly string[]>> = {
  users: ['users'],
  jwt: ['keys', 'jwksHeaders', 'jwksHeaderFiles', 'jwksMaxAgeS', 'jwksStaleMaxS'],
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
  /** Whether what was read once only, and what is compared by more than its text, lets the method go on. */
  readonly isSame?: (configuration: MethodConfiguration) => boolean;
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
      const method = scram({ name, file: configuration.file });
      return { method, prepareReload: () => method.prepareReload() };
    }
    case 'jwt': {
      const secret = secretOf(configuration);
      const make = (next: JwtConfiguration): JwtMethod => makeJwt(next, secret, parts);
      return adjustable(configuration, make, (next, { keys = [] }) => {
        const hasAllKeys = keys.every((key) => next.keys?.includes(key));
        return hasAllKeys && sameSecret(secret, secretOf(next));
      });
    }
    case 'http':
      return adjustable(configuration, (next) => httpMethod(httpOptions(next, clock, tell)));
    case 'certificate': {
      const { username, match, authorities } = configuration;
      return { method: certificateMethod({ name, registry, authorities, username, match }) };
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

/** A method that goes on as the same object when other options take the place of those that it was made with. */
function adjustable<Configuration extends JwtConfiguration | HttpConfiguration>(
  first: Configuration,
  make: (configuration: Configuration) => JwtMethod | HttpMethod,
  isSame: (next: Configuration, present: Configuration) => boolean = () => true,
): Loaded {
  let present = { configuration: first, method: make(first) };
  return {
    method: {
      name: first.name,
      authenticate: (request) => present.method.authenticate(request),
      close: () => present.method.close(),
    },
    // Of the same kind, or its definition would be another.
    isSame: (next) => isSame(next as Configuration, present.configuration),
    prepareReload: (given) => {
      const configuration = given as Configuration;
      if (isDeepStrictEqual(configuration, present.configuration)) return withoutUsers(present.method.prepareReload());
      // It holds nothing before it is asked.
      const next = { configuration, method: make(configuration) };
      return withoutUsers(() => {
        present.method.close();
        present = next;
      });
    },
  };
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

function makeJwt(configuration: JwtConfiguration, secret: Buffer | undefined, { clock, tell }: MethodParts) {
  const { name, from, algorithms, issuer, audience, requireExpiry, clockToleranceS } = configuration;
  const { claims, usernameClaim, groupsClaim, rulesClaim, attributes } = configuration;
  return jwtMethod({
    name,
    clock,
    tell,
    keys: tokenKeys(configuration, secret),
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

function tokenKeys(configuration: JwtConfiguration, secret: Buffer | undefined): TokenKey[] {
  const { keys = [], jwksFile, jwksUrl, jwksHeaders, jwksHeaderFiles, jwksAuthority } = configuration;
  const { jwksMaxAgeS, jwksStaleMaxS } = configuration;
  const found: TokenKey[] = keys.map((publicKeyFile) => ({ publicKeyFile }));
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

function sameSecret(one: Buffer | undefined, other: Buffer | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return one.length === other.length && timingSafeEqual(one, other);
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
