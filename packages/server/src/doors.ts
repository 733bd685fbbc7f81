/** Who may come in, and what they may do then: puts together what the configuration says of it, and puts other words in place. */
import { type Authenticator, type Authorizer, type Clock, LIMITS, type Limits } from '@dunlin/broker';
import { type DeviceType, DeviceTypeError, type DeviceTypes } from '@dunlin/devices/configuration';
import {
  type AttemptEvent,
  type AttemptGuard,
  type AuthenticatorChain,
  Authorities,
  anonymousMethod,
  attemptGuard,
  authenticatorChain,
  type CertificateWarning,
  type ClientIdRules,
  clientIdRules,
  type FlappingEvent,
  type FlappingGuard,
  flappingGuard,
  guardCertificates,
  type Method,
  type MethodEvent,
  PasswordVerifier,
  type ReplaceableAuthorizer,
  type RevocationSource,
  type RuleSet,
  readAuthorityFiles,
  replaceableAuthorizer,
  type Shadow,
  type ShadowDifference,
  type SkippedRule,
  shadowed,
  type UserChanges,
  withCertificateCheck,
} from '@dunlin/identity';
import { type Configuration, ConfigurationError, type ListenerConfiguration } from './configuration.ts';
import { deviceTypes } from './device-configuration.ts';
import {
  ALLOW_ANONYMOUS,
  type FlappingConfiguration,
  type GuardConfiguration,
  type IdentityConfiguration,
  type MethodConfiguration,
} from './identity-configuration.ts';
import { type LoadedMethod, loadMethod, type MethodParts } from './methods.ts';
import { configuredRules, shadowRules } from './rules.ts';

/** What the doors tell: each becomes an event of the server. */
export interface DoorEvents {
  readonly method: (event: MethodEvent) => void;
  readonly attempt: (event: AttemptEvent) => void;
  readonly flapping: (event: FlappingEvent) => void;
  readonly certificate: (warning: CertificateWarning) => void;
  readonly shadow: (difference: ShadowDifference) => void;
  readonly skippedRule: (skipped: SkippedRule) => void;
}

export interface DoorOptions {
  readonly clock: Clock;
  readonly tell: DoorEvents;
  /** Asked in place of the methods of the configuration, which then has none. */
  readonly authenticator?: Authenticator | undefined;
  /** As of `MethodParts`. */
  readonly saltKey?: MethodParts['saltKey'];
  /** Whose method `devices` lets devices in. Given where the configuration has such a method. */
  readonly devices?: DeviceDoor | undefined;
  /** Checks passwords; default: one of its own. */
  readonly verifier?: PasswordVerifier | undefined;
  /** Who else knows revoked certificates. */
  readonly revocationSources?: readonly RevocationSource[] | undefined;
}

/** The device service, as far as doors are concerned. */
export interface DeviceDoor {
  readonly types: DeviceTypes;
  method(name: string, authorities: Authorities): Method;
}

/** A listener, as far as doors are concerned. */
type Entrance = Pick<ListenerConfiguration, 'name' | 'authentication' | 'allowAnonymous' | 'tls' | 'proxy'>;
type DoorConfiguration = IdentityConfiguration & {
  readonly listeners: readonly Entrance[];
  readonly limits: Partial<Limits>;
  readonly devices: Configuration['devices'];
};

interface OpenEntrance {
  readonly chain: AuthenticatorChain;
  /** Of the methods that know people by a password. */
  readonly owners: AuthenticatorChain;
  /** That chain behind the guards. */
  readonly ownerAuthenticator: Authenticator;
  /** The chain behind the guards. */
  readonly authenticator: Authenticator;
}

/** Somebody who is kept out for now: an address, a user name at an address, or a client that flaps. */
export interface DoorBan {
  /** Where the ban began; undefined where it was given by hand. It holds at every listener. */
  readonly listener: string | undefined;
  readonly address: string | undefined;
  readonly username: string | undefined;
  readonly clientId: string | undefined;
  /** Whose client it is; undefined where nobody is asked who they are. */
  readonly identity: string | undefined;
  readonly endsInMs: number;
}

/** What rules that are only tried out would have decided otherwise, since they were read last. */
export interface ShadowReport {
  readonly differences: readonly ShadowDifference[];
  /** How often more than can be listed came up. */
  readonly unlisted: number;
}

/** How many users and rules are others than before. */
export interface DoorChanges {
  /** Added, removed or changed, in password files and in the configuration. */
  readonly users: number;
  /** Added or removed. */
  readonly rules: number;
}

/** Another configuration, read and checked. */
export interface PreparedDoors {
  /** For what is read beside it: the authorities as they will be. */
  readonly authorities: Authorities;
  /** Puts it in force, at once: nothing is read, so nothing can be wrong any more. */
  apply(): DoorChanges;
  /** Lets go of what was made for it, instead of `apply`. */
  discard(): void;
}

/** Of the time for CONNECT, what finding out who a client is may take: it still has to be told. */
const ANSWER_SHARE = 0.9;

/** Those who own devices are people with a user name and a password; a device is no owner, whatever it is called. */
const OF_OWNERS: readonly MethodConfiguration['method'][] = ['passwordFile', 'users', 'http'];

/** Stands at the end of the chain of a listener with `allowAnonymous`. */
const ANONYMOUS: Method = anonymousMethod({ name: ALLOW_ANONYMOUS });

/**
 * The doors of one server. Without `authentication` nobody is asked, and `authenticatorFor` says so.
 *
 * A reload reads and checks everything first; what is wrong then is thrown, and nothing has changed. The listeners, the
 * guards and whether anybody is asked at all are those of the start.
 */
export class Doors {
  /** Whose certificates count; what they revoke changes without a reload. */
  readonly authorities: Authorities;
  readonly authorizer: Authorizer;
  readonly #options: DoorOptions;
  readonly #verifier: PasswordVerifier;
  readonly #rules: ReplaceableAuthorizer;
  readonly #attempts: AttemptGuard;
  readonly #flapping: FlappingGuard | undefined;
  readonly #entrances = new Map<string, OpenEntrance>();
  /** What asks at a listener in place of the methods. */
  readonly #given = new Map<string, Authenticator>();
  /** Methods with the check of certificates before them, by the names of authorities; undefined: all. */
  readonly #checked = new WeakMap<Method, Map<string | undefined, Method>>();
  #configuration: DoorConfiguration;
  #methods: ReadonlyMap<string, LoadedMethod> = new Map();
  #shadow: Shadow | undefined;

  /** @throws ConfigurationError where something that the configuration names cannot be used; nothing is left open */
  constructor(configuration: DoorConfiguration, options: DoorOptions) {
    this.#options = options;
    this.#verifier = options.verifier ?? new PasswordVerifier({ clock: options.clock });
    this.#configuration = configuration;
    [this.#attempts, this.#flapping] = this.#guards(configuration);
    this.#rules = asConfigurationError(() => replaceableAuthorizer(this.#ruleSet(configuration)));
    this.#shadow = this.#shadowOf(shadowRules(configuration.authorization, configuration.devices));
    this.authorizer = {
      permissions: (clientId, principal) => (this.#shadow ?? this.#rules).permissions(clientId, principal),
    };
    const clientIds = configuredClientIds(configuration);
    const { clock, tell, revocationSources } = options;
    const definitions = readAuthorities(configuration);
    this.authorities = asConfigurationError(
      () => new Authorities({ definitions, clock, revocationSources, warn: tell.certificate }),
    );
    try {
      this.#methods = this.#load(configuration);
      if (options.authenticator !== undefined)
        for (const entrance of configuration.listeners)
          this.#given.set(entrance.name, this.#guarded(options.authenticator, entrance));
      if (configuration.authentication.length === 0) return;
      for (const entrance of configuration.listeners)
        this.#entrances.set(entrance.name, this.#open(entrance, clientIds));
    } catch (error) {
      void this.close();
      throw error;
    }
  }

  /** Undefined: everybody is let in. */
  authenticatorFor(listener: string): Authenticator | undefined {
    return this.#entrances.get(listener)?.authenticator ?? this.#given.get(listener);
  }

  /**
   * Who says whether somebody at a listener is a user, who signs in as the owner of devices: the methods by user name and
   * password that the listener asks, behind the same guards. Undefined: nobody is asked there who they are.
   */
  ownersAt(listener: string): Authenticator | undefined {
    return this.#entrances.get(listener)?.ownerAuthenticator;
  }

  /** Whether nobody from there is let in for now, so that a connection is not worth its memory. */
  isBanned(address: string): boolean {
    return this.#attempts.isBanned(address);
  }

  /** Counts a wrong secret of the API; returns for how many milliseconds its answer is to wait. */
  failedElsewhere(address: string, listener: string): number {
    return this.#attempts.failedElsewhere(address, listener);
  }

  bans(): DoorBan[] {
    const none = { address: undefined, username: undefined, clientId: undefined, identity: undefined };
    return [...this.#attempts.bans(), ...(this.#flapping?.bans() ?? [])].map((ban) => ({ ...none, ...ban }));
  }

  /**
   * Keeps out an address, or a user name there. Default of `banMs`: `guard.banS`.
   * @throws RangeError where it cannot be, such as a user name where nobody is asked who they are
   */
  ban(address: string, username?: string, banMs?: number): void {
    if (username !== undefined && this.#entrances.size === 0)
      throw new RangeError('Cannot ban a user name: authentication is empty, an address alone is expected');
    this.#attempts.ban(address, username, banMs);
  }

  /** Ends the ban of an address, or of a user name there; false where there is none. */
  liftBan(address: string, username?: string): boolean {
    return this.#attempts.lift(address, username);
  }

  /** The same of a client that flapped: of this identity, or of every one that has the identifier. */
  liftClientBan(clientId: string, identity?: string): boolean {
    return this.#flapping?.lift(clientId, identity) ?? false;
  }

  /** Undefined where no rules are tried out. */
  shadow(): ShadowReport | undefined {
    const shadow = this.#shadow;
    return shadow && { differences: shadow.differences(), unlisted: shadow.unlisted };
  }

  /** Reads the files of the authorities again. @throws ConfigurationError, and nothing has changed */
  reloadAuthorities(): void {
    const definitions = readAuthorities(this.#configuration);
    asConfigurationError(() => this.authorities.replace(definitions));
  }

  /**
   * Reads what another configuration says, and changes nothing yet. Who was let in before stays until the broker reviews
   * its connections.
   * @throws ConfigurationError where something cannot be used
   */
  prepare(next: DoorConfiguration): PreparedDoors {
    const definitions = readAuthorities(next);
    const { clock } = this.#options;
    const authorities = asConfigurationError(() => new Authorities({ definitions, clock }));
    // It is only read from.
    authorities.close();
    const rules = this.#ruleSet(next);
    asConfigurationError(() => replaceableAuthorizer(rules));
    const candidate = shadowRules(next.authorization, next.devices);
    const clientIds = configuredClientIds(next);
    const replaceTypes = asConfigurationError(() => this.#options.devices?.types.prepareReplace(typesOf(next)));
    const methods = this.#prepareMethods(next);
    return {
      authorities,
      discard: methods.discard,
      apply: () => {
        this.authorities.replace(definitions);
        const users = methods.apply();
        const { added, removed } = this.#rules.replace(rules);
        replaceTypes?.();
        this.#shadow = this.#shadowOf(candidate);
        this.#configuration = next;
        for (const entrance of next.listeners) {
          this.#entrances.get(entrance.name)?.chain.replace(this.#methodsFor(entrance), clientIds);
          this.#entrances.get(entrance.name)?.owners.replace(this.#ownerMethodsFor(entrance));
        }
        return { users, rules: added.length + removed.length };
      },
    };
  }

  async close(): Promise<void> {
    this.authorities.close();
    await closeAll(this.#methods.values());
  }

  #load({ authentication }: DoorConfiguration): Map<string, LoadedMethod> {
    const methods = new Map<string, LoadedMethod>();
    try {
      for (const method of authentication) methods.set(method.name, loadMethod(method, this.#parts));
      return methods;
    } catch (error) {
      void closeAll(methods.values());
      throw error;
    }
  }

  /** Has methods that go on read their files again, and makes the others. `apply` returns how many users changed. */
  #prepareMethods({ authentication }: DoorConfiguration) {
    const former = this.#methods;
    const methods = new Map<string, LoadedMethod>();
    const reloads: (() => UserChanges | undefined)[] = [];
    const closeBut = (all: ReadonlyMap<string, LoadedMethod>, others: ReadonlyMap<string, LoadedMethod>): void =>
      void closeAll([...all].filter(([name, method]) => others.get(name) !== method).map(([, method]) => method));
    const discard = (): void => closeBut(methods, former);
    try {
      for (const configuration of authentication) {
        const { name } = configuration;
        const known = former.get(name);
        const reload = known && asConfigurationError(() => known.continuation(configuration));
        methods.set(name, known === undefined || reload === undefined ? loadMethod(configuration, this.#parts) : known);
        if (reload !== undefined) reloads.push(reload);
      }
    } catch (error) {
      discard();
      throw error;
    }
    const apply = (): number => {
      this.#methods = methods;
      closeBut(former, methods);
      return reloads.reduce((users, reload) => users + countOf(reload()), 0);
    };
    return { apply, discard };
  }

  get #parts(): MethodParts {
    const { clock, tell, saltKey, devices } = this.#options;
    return {
      devices: devices && ((name) => devices.method(name, this.authorities)),
      clock,
      verifier: this.#verifier,
      registry: this.authorities,
      tell: tell.method,
      saltKey,
    };
  }

  #ruleSet({ authorization, devices }: DoorConfiguration): RuleSet {
    return asConfigurationError(() => ({
      ...configuredRules(authorization, devices),
      onSkippedRule: this.#options.tell.skippedRule,
    }));
  }

  #shadowOf(candidate: Authorizer | undefined): Shadow | undefined {
    return candidate && shadowed(this.#rules, candidate, { onDifference: this.#options.tell.shadow });
  }

  #guards({ guard: { flapping, ...guard }, limits }: DoorConfiguration): [AttemptGuard, FlappingGuard | undefined] {
    const { clock, tell } = this.#options;
    const { connectTimeoutMs = LIMITS.connectTimeoutMs.default } = limits;
    const answerMsMax = connectTimeoutMs * ANSWER_SHARE;
    return [
      asConfigurationError(() => attemptGuard({ clock, tell: tell.attempt, answerMsMax, ...attemptOptions(guard) })),
      flapping && flappingGuard({ clock, tell: tell.flapping, ...flappingOptions(flapping) }),
    ];
  }

  #open(entrance: Entrance, clientIds: ClientIdRules): OpenEntrance {
    const { clock, tell } = this.#options;
    const chain = authenticatorChain({ clock, methods: this.#methodsFor(entrance), clientIds, tell: tell.method });
    const guarded = this.#attempts.before(chain);
    const owners = authenticatorChain({ clock, methods: this.#ownerMethodsFor(entrance), tell: tell.method });
    const ownerAuthenticator = this.#attempts.before(owners);
    return { chain, authenticator: this.#flapping?.before(guarded) ?? guarded, owners, ownerAuthenticator };
  }

  #ownerMethodsFor(entrance: Entrance): Method[] {
    const { authentication } = this.#configuration;
    const names = authentication.filter(({ method }) => OF_OWNERS.includes(method)).map(({ name }) => name);
    return this.#methodsFor(entrance).filter(({ name }) => names.includes(name));
  }

  #guarded(authenticator: Authenticator, entrance: Entrance): Authenticator {
    if (!hasCertificates(entrance)) return authenticator;
    return guardCertificates(authenticator, { registry: this.authorities, authorities: entrance.tls?.authorities });
  }

  #methodsFor(entrance: Entrance): Method[] {
    const { authentication, allowAnonymous, tls } = entrance;
    const names = authentication ?? [...this.#methods.keys()];
    // A listener that is still open, and no longer in the configuration, may name one that is gone.
    const asked = names.flatMap((name) => this.#methods.get(name)?.method ?? []);
    const methods = allowAnonymous ? [...asked, ANONYMOUS] : asked;
    if (!hasCertificates(entrance)) return methods;
    const configured = this.#configuration.authentication;
    const byCertificate = configured.filter(({ method }) => method === 'certificate').map(({ name }) => name);
    return methods.map((method) =>
      byCertificate.includes(method.name) ? method : this.#withCheck(method, tls?.authorities),
    );
  }

  /** One object for each: the chain knows those whom a method let in by the object, also after a reload. */
  #withCheck(method: Method, authorities: readonly string[] | undefined): Method {
    const known = this.#checked.get(method) ?? new Map<string | undefined, Method>();
    this.#checked.set(method, known);
    const key = authorities?.join(' ');
    const checked = known.get(key) ?? withCertificateCheck(method, { registry: this.authorities, authorities });
    known.set(key, checked);
    return checked;
  }
}

/** Whether clients may show certificates there, to us or to a proxy. */
function hasCertificates({ tls, proxy }: Entrance): boolean {
  return (tls?.clientCertificate ?? 'none') !== 'none' || proxy !== undefined;
}

async function closeAll(methods: Iterable<LoadedMethod>): Promise<void> {
  await Promise.all([...methods].map(({ method }) => method.close?.()));
}

function countOf(changes: UserChanges | undefined): number {
  if (changes === undefined) return 0;
  return changes.added.length + changes.removed.length + changes.changed.length;
}

function typesOf({ devices }: DoorConfiguration): DeviceType[] {
  return devices === undefined ? [] : deviceTypes(devices);
}

/** @throws ConfigurationError where a file cannot be read */
function readAuthorities({ authorities }: IdentityConfiguration) {
  return asConfigurationError(() => authorities.map((authority) => readAuthorityFiles(authority)));
}

/** @throws ConfigurationError where a template cannot be used */
function configuredClientIds({ clientIds }: IdentityConfiguration): ClientIdRules {
  return asConfigurationError(() =>
    clientIdRules(clientIds.map(({ listeners, groups, ...rule }) => ({ ...rule, for: { listeners, groups } }))),
  );
}

function attemptOptions({ windowS, delayMaxMs, banS, ...rest }: Omit<GuardConfiguration, 'flapping'>) {
  return { ...rest, windowMs: milliseconds(windowS), delayMsMax: delayMaxMs, banMs: milliseconds(banS) };
}

function flappingOptions({ connectsMax, windowS, banS }: FlappingConfiguration) {
  return { connectsMax, windowMs: milliseconds(windowS), banMs: milliseconds(banS) };
}

function milliseconds(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : seconds * 1_000;
}

function asConfigurationError<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof DeviceTypeError) throw new ConfigurationError(error.problems);
    throw error instanceof ConfigurationError ? error : new ConfigurationError([(error as Error).message]);
  }
}
