/** Makes the methods of authentication that the configuration names. */
import { readFileSync } from 'node:fs';
import type { AuthenticationRequest, AuthenticationResult, Awaitable, Clock } from '@dunlin/broker';
import {
  type Authorities,
  anonymousMethod,
  certificateMethod,
  httpMethod,
  jwtMethod,
  type Method,
  type PasswordVerifier,
  passwordFile,
  scram,
  type TellMethodEvent,
  type TokenKey,
  users,
} from '@dunlin/identity';
import { ConfigurationError } from './configuration.ts';
import type { HttpConfiguration, JwtConfiguration, MethodConfiguration } from './identity-configuration.ts';

/** What all methods of a server share. */
export interface MethodParts {
  readonly clock: Clock;
  readonly verifier: PasswordVerifier;
  readonly registry: Authorities;
  /** Names of all authorities. */
  readonly authorities: readonly string[];
  readonly tell: TellMethodEvent;
}

/** A method, and how it reads its files again. */
export interface LoadedMethod {
  readonly configuration: MethodConfiguration;
  readonly method: Method;
  /** Takes what its files say now, or the users of another configuration. Throws, and changes nothing then. */
  readonly reload: (configuration: MethodConfiguration) => void;
}

/**
 * Makes a method and reads its files.
 * @throws ConfigurationError where the configuration or a file cannot be used
 */
export function loadMethod(configuration: MethodConfiguration, parts: MethodParts): LoadedMethod {
  try {
    return load(configuration, parts);
  } catch (error) {
    throw new ConfigurationError([`authentication "${configuration.name}": ${(error as Error).message}`]);
  }
}

function load(configuration: MethodConfiguration, parts: MethodParts): LoadedMethod {
  const { name } = configuration;
  const { clock, verifier, registry, tell } = parts;
  const loaded = (method: Method, reload: LoadedMethod['reload'] = () => {}): LoadedMethod => {
    const groups = 'groups' in configuration && configuration.method !== 'anonymous' ? configuration.groups : undefined;
    return { configuration, method: groups === undefined ? method : withGroups(method, groups), reload };
  };
  switch (configuration.method) {
    case 'passwordFile': {
      const method = passwordFile({ name, file: configuration.file, verifier });
      return loaded(method, () => void method.reload());
    }
    case 'users': {
      const method = users({ name, users: configuration.users, verifier });
      return loaded(method, (next) => void (next.method === 'users' && method.reload(next.users)));
    }
    case 'scram': {
      const method = scram({ name, file: configuration.file });
      return loaded(method, () => void method.reload());
    }
    case 'jwt': {
      const method = makeJwt(configuration, parts);
      return loaded(method, () => method.reload());
    }
    case 'http': {
      const method = httpMethod(httpOptions(configuration, clock, tell));
      return loaded(method, () => method.reload());
    }
    case 'certificate': {
      const { username, match, authorities = parts.authorities } = configuration;
      return loaded(certificateMethod({ name, registry, authorities, username, match }));
    }
    case 'anonymous':
      return loaded(
        anonymousMethod({ name, groups: configuration.groups, acceptsUsername: configuration.acceptsUsername }),
      );
  }
}

/** Whether a method goes on with its other users or files, or is another one that lets in nobody whom the former did. */
export function isReloadable(former: MethodConfiguration, next: MethodConfiguration): boolean {
  const text = (configuration: MethodConfiguration): string =>
    JSON.stringify(configuration.method === 'users' ? { ...configuration, users: undefined } : configuration);
  return text(former) === text(next);
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
    rulesClaim,
    attributeClaims: attributes,
  });
}

function tokenKeys(configuration: JwtConfiguration): TokenKey[] {
  const { secret, secretFile, keys = [], jwksFile, jwksUrl, jwksMaxAgeS, jwksStaleMaxS } = configuration;
  const found: TokenKey[] = keys.map((publicKeyFile) => ({ publicKeyFile }));
  if (secret !== undefined) found.push({ secret: Buffer.from(secret) });
  // Whoever writes a file with an editor ends its last line.
  if (secretFile !== undefined) found.push({ secret: withoutLineBreak(readFileSync(secretFile)) });
  if (jwksFile !== undefined) found.push({ keySetFile: jwksFile });
  if (jwksUrl !== undefined)
    found.push({
      keySetUrl: jwksUrl,
      ...(jwksMaxAgeS !== undefined && { maxAgeMs: jwksMaxAgeS * 1_000 }),
      ...(jwksStaleMaxS !== undefined && { staleMaxMs: jwksStaleMaxS * 1_000 }),
    });
  return found;
}

function withoutLineBreak(bytes: Buffer): Buffer {
  let end = bytes.length;
  if (bytes[end - 1] === 0x0a) end -= 1;
  if (bytes[end - 1] === 0x0d) end -= 1;
  return bytes.subarray(0, end);
}

function httpOptions(configuration: HttpConfiguration, clock: Clock, tell: TellMethodEvent) {
  const { name, url, allowHttp, headers, answers, timeoutMs, requestsMax, waitingMax, whenDown } = configuration;
  const { cacheS, staleMaxS } = configuration;
  return {
    name,
    clock,
    tell,
    url,
    allowsPlainHttp: allowHttp,
    headers,
    answers,
    timeoutMs,
    requestsMax,
    waitingMax,
    whenDown,
    ...(cacheS !== undefined && { acceptsKeptMs: cacheS * 1_000 }),
    ...(staleMaxS !== undefined && { staleMaxMs: staleMaxS * 1_000 }),
  };
}
