/** The part of the configuration that says who may connect and what they may do, as code sees it; values are checked. */
import type { RoleInput, RuleInput, TokenAlgorithm } from '@dunlin/identity';

/** What lets in those that `allowAnonymous` of a listener is for: no method may have this name. */
export const ALLOW_ANONYMOUS = 'allowAnonymous';

export interface AuthorityConfiguration {
  readonly name: string;
  readonly certificate: string;
  readonly crl?: string;
  readonly crlExpired?: 'accept' | 'refuse';
}

interface MethodBase {
  /** Given in a complete configuration; unique. */
  readonly name: string;
}
export interface PasswordFileConfiguration extends MethodBase {
  readonly method: 'passwordFile';
  readonly file: string;
  readonly groups?: readonly string[];
}
export interface UserConfiguration {
  readonly name: string;
  /** A hash. */
  readonly password: string;
  readonly groups?: readonly string[];
  readonly attributes?: Readonly<Record<string, string>>;
  readonly disabled?: boolean;
}
export interface UsersConfiguration extends MethodBase {
  readonly method: 'users';
  readonly users: readonly UserConfiguration[];
}
export interface JwtConfiguration extends MethodBase {
  readonly method: 'jwt';
  readonly from?: 'password' | 'username';
  readonly algorithms: readonly TokenAlgorithm[];
  readonly secret?: string;
  readonly secretFile?: string;
  readonly keys?: readonly string[];
  readonly jwksFile?: string;
  readonly jwksUrl?: string;
  readonly jwksHeaders?: Readonly<Record<string, string>>;
  readonly jwksHeaderFiles?: Readonly<Record<string, string>>;
  readonly jwksAuthority?: string;
  readonly jwksMaxAgeS?: number;
  readonly jwksStaleMaxS?: number;
  readonly issuer?: readonly string[];
  readonly audience?: readonly string[];
  readonly requireExpiry?: boolean;
  readonly clockToleranceS?: number;
  readonly usernameClaim?: string;
  readonly groupsClaim?: string;
  readonly rulesClaim?: string;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly claims?: Readonly<Record<string, string>>;
}
export interface HttpConfiguration extends MethodBase {
  readonly method: 'http';
  readonly url: string;
  readonly allowHttp?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
  readonly headerFiles?: Readonly<Record<string, string>>;
  readonly authority?: string;
  readonly answers?: 'json' | 'status';
  readonly timeoutMs?: number;
  readonly requestsMax?: number;
  readonly waitingMax?: number;
  readonly cacheS?: number;
  readonly staleMaxS?: number;
  readonly whenDown?: 'refuse' | 'next' | 'accept-cached';
}
export interface CertificateConfiguration extends MethodBase {
  readonly method: 'certificate';
  readonly authorities?: readonly string[];
  readonly username?: 'cn' | 'san-dns' | 'san-uri' | 'san-email';
  readonly match?: 'none' | 'username' | 'clientId';
  readonly groups?: readonly string[];
}
export interface ScramConfiguration extends MethodBase {
  readonly method: 'scram';
  readonly file: string;
  readonly groups?: readonly string[];
}
export interface AnonymousConfiguration extends MethodBase {
  readonly method: 'anonymous';
  readonly acceptsUsername?: boolean;
  readonly groups?: readonly string[];
}
export interface DevicesMethodConfiguration extends MethodBase {
  readonly method: 'devices';
}
export type MethodConfiguration =
  | PasswordFileConfiguration
  | UsersConfiguration
  | JwtConfiguration
  | HttpConfiguration
  | CertificateConfiguration
  | ScramConfiguration
  | DevicesMethodConfiguration
  | AnonymousConfiguration;

type Unnamed<Method> = Method extends MethodBase ? Omit<Method, 'name'> & { readonly name?: string } : never;
/** A method as it may be given: its name is its kind by default. */
export type MethodInput = Unnamed<MethodConfiguration>;

export interface ClientIdConfiguration {
  readonly template: string;
  readonly patterns?: Readonly<Record<string, string>>;
  readonly equals?: Readonly<Record<string, string>>;
  readonly listeners?: readonly string[];
  readonly groups?: readonly string[];
}

export interface FlappingConfiguration {
  readonly connectsMax?: number;
  readonly windowS?: number;
  readonly banS?: number;
}

export interface GuardConfiguration {
  readonly windowS?: number;
  readonly userDelayAfter?: number;
  readonly addressDelayAfter?: number;
  readonly delayMs?: number;
  readonly delayMaxMs?: number;
  readonly userAtAddressBanAfter?: number;
  readonly addressBanAfter?: number;
  readonly banS?: number;
  readonly trusted?: readonly string[];
  readonly flapping?: FlappingConfiguration;
}

export interface AuthorizationConfiguration {
  readonly rules?: readonly RuleInput[];
  readonly roles?: Readonly<Record<string, RoleInput>>;
  readonly rulesFile?: string;
  readonly aclFile?: string;
  readonly shadow?: string;
  readonly broaderFilter?: 'deny' | 'check';
}

/** Who may connect and what they may do. */
export interface IdentityConfiguration {
  readonly authorities: readonly AuthorityConfiguration[];
  /** In the order in which they are asked; empty: nobody is asked. */
  readonly authentication: readonly MethodConfiguration[];
  readonly clientIds: readonly ClientIdConfiguration[];
  readonly guard: GuardConfiguration;
  readonly authorization: AuthorizationConfiguration;
}
