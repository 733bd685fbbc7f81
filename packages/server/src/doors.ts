/** Who may come in, and what they may do then: puts together what the configuration says of it, and puts other words in place. */
import type { Authenticator, Authorizer, Clock, Principal } from '@dunlin/broker';
import {
  type AttemptEvent,
  type AuthenticatorChain,
  Authorities,
  anonymousMethod,
  authenticatorChain,
  type CertificateWarning,
  type ClientIdRules,
  clientIdRules,
  guardAttempts,
  guardFlapping,
  type Method,
  type MethodEvent,
  PasswordVerifier,
  readAuthorityFiles,
  replaceableAuthorizer,
  type ShadowDifference,
  type SkippedRule,
  shadowed,
  withCertificateCheck,
} from '@dunlin/identity';
import { ConfigurationError, type ListenerConfiguration } from './configuration.ts';
import type { GuardConfiguration, IdentityConfiguration } from './identity-configuration.ts';
import { isReloadable, type LoadedMethod, loadMethod, type MethodParts } from './methods.ts';
import { configuredRules, shadowRules } from './rules.ts';

/** What the doors tell: each becomes an event of the server. */
export interface DoorEvents {
  readonly method: (event: MethodEvent) => void;
  readonly attempt: (event: AttemptEvent) => void;
  readonly flapping: (client: { readonly clientId: string; readonly banMs: number }) => void;
  readonly certificate: (warning: CertificateWarning) => void;
  readonly shadow: (difference: ShadowDifference) => void;
  readonly skippedRule: (skipped: SkippedRule) => void;
}

export interface DoorOptions {
  readonly clock: Clock;
  readonly tell: DoorEvents;
}

/** A listener, as far as doors are concerned. */
type Entrance = Pick<ListenerConfiguration, 'name' | 'authentication' | 'allowAnonymous' | 'tls'>;
type DoorConfiguration = IdentityConfiguration & { readonly listeners: readonly Entrance[] };

interface OpenEntrance {
  readonly chain: AuthenticatorChain;
  readonly authenticator: Authenticator;
  readonly isBanned: (address: string) => boolean;
}

/** Stands at the end of the chain of a listener with `allowAnonymous`. */
const ANONYMOUS: Method = anonymousMethod({ name: 'allowAnonymous' });

/**
 * The doors of one server. Without `authentication` nobody is asked, and `authenticatorFor` says so.
 *
 * A reload reads and checks everything first; what is wrong then is thrown, and nothing has changed.
 */
export class Doors {
  /** Whose certificates count; what they revoke changes without a reload. */
  readonly authorities: Authorities;
  readonly authorizer: Authorizer;
  readonly #options: DoorOptions;
  readonly #verifier = new PasswordVerifier();
  readonly #rules: ReturnType<typeof replaceableAuthorizer>;
  readonly #entrances = new Map<string, OpenEntrance>();
  #configuration: DoorConfiguration;
  #methods: ReadonlyMap<string, LoadedMethod>;
  #decider: Authorizer;

  /** @throws ConfigurationError where something that the configuration names cannot be used */
  constructor(configuration: DoorConfiguration, options: DoorOptions) {
    this.#options = options;
    this.#configuration = configuration;
    this.authorities = asConfigurationError(
      () =>
        new Authorities({
          definitions: readAuthorities(configuration),
          clock: options.clock,
          warn: options.tell.certificate,
        }),
    );
    const parts = this.#parts(configuration, this.authorities);
    this.#methods = new Map(configuration.authentication.map((method) => [method.name, loadMethod(method, parts)]));
    this.#rules = replaceableAuthorizer(this.#ruleSet(configuration));
    this.#decider = this.#shadowedRules(configuration);
    this.authorizer = {
      permissions: (clientId: string, principal: Principal) => this.#decider.permissions(clientId, principal),
    };
    const clientIds = configuredClientIds(configuration);
    if (configuration.authentication.length === 0) return;
    for (const entrance of configuration.listeners)
      this.#entrances.set(entrance.name, this.#open(entrance, clientIds, configuration.guard));
  }

  /** Undefined: everybody is let in. */
  authenticatorFor(listener: string): Authenticator | undefined {
    return this.#entrances.get(listener)?.authenticator;
  }

  /** Whether nobody from there is let in for now, so that a connection is not worth its memory. */
  isBanned(listener: string, address: string): boolean {
    return this.#entrances.get(listener)?.isBanned(address) ?? false;
  }

  /** Files whose changes count without a reload. */
  get watchedPaths(): string[] {
    return this.#configuration.authorities.flatMap(({ certificate, crl }) => [
      certificate,
      ...(crl === undefined ? [] : [crl]),
    ]);
  }

  /** Reads the files of the authorities again. @throws ConfigurationError, and nothing has changed */
  reloadAuthorities(): void {
    const definitions = readAuthorities(this.#configuration);
    asConfigurationError(() => this.authorities.replace(definitions));
  }

  /**
   * Takes what another configuration says. The listeners are those that were there at the start. Who was let in before
   * stays until the broker reviews its connections.
   * @throws ConfigurationError, and nothing has changed
   */
  reload(next: DoorConfiguration): void {
    const definitions = readAuthorities(next);
    this.#checkAll(next, definitions);
    const rules = this.#ruleSet(next);
    const clientIds = configuredClientIds(next);
    asConfigurationError(() => this.authorities.replace(definitions));
    this.#reloadMethods(next);
    this.#rules.replace(rules);
    this.#configuration = next;
    this.#decider = this.#shadowedRules(next);
    for (const entrance of next.listeners)
      this.#entrances.get(entrance.name)?.chain.replace(this.#methodsFor(entrance), clientIds);
  }

  async close(): Promise<void> {
    this.authorities.close();
    await Promise.all([...this.#methods.values()].map(({ method }) => method.close?.()));
  }

  /** Makes everything once, to see whether it can be made. */
  #checkAll(next: DoorConfiguration, definitions: ReturnType<typeof readAuthorities>): void {
    const { clock } = this.#options;
    const registry = asConfigurationError(() => new Authorities({ definitions, clock }));
    const parts = { ...this.#parts(next, registry), verifier: new PasswordVerifier() };
    try {
      for (const method of next.authentication) void loadMethod(method, parts).method.close?.();
      shadowRules(next.authorization);
    } finally {
      registry.close();
    }
  }

  #reloadMethods(next: DoorConfiguration): void {
    const parts = this.#parts(next, this.authorities);
    const former = this.#methods;
    const methods = new Map<string, LoadedMethod>();
    for (const configuration of next.authentication) {
      const known = former.get(configuration.name);
      if (known !== undefined && isReloadable(known.configuration, configuration)) {
        known.reload(configuration);
        methods.set(configuration.name, { ...known, configuration });
      } else methods.set(configuration.name, loadMethod(configuration, parts));
    }
    this.#methods = methods;
    const kept = new Set([...methods.values()].map(({ method }) => method));
    for (const { method } of former.values()) if (!kept.has(method)) void method.close?.();
  }

  #parts({ authorities }: DoorConfiguration, registry: Authorities): MethodParts {
    const { clock, tell } = this.#options;
    return {
      clock,
      verifier: this.#verifier,
      registry,
      authorities: authorities.map(({ name }) => name),
      tell: tell.method,
    };
  }

  #ruleSet({ authorization }: DoorConfiguration) {
    return { ...configuredRules(authorization), onSkippedRule: this.#options.tell.skippedRule };
  }

  #shadowedRules({ authorization }: DoorConfiguration): Authorizer {
    const candidate = shadowRules(authorization);
    if (candidate === undefined) return this.#rules;
    return shadowed(this.#rules, candidate, { onDifference: this.#options.tell.shadow });
  }

  #open(entrance: Entrance, clientIds: ClientIdRules, guard: GuardConfiguration): OpenEntrance {
    const { clock, tell } = this.#options;
    const chain = authenticatorChain({ clock, methods: this.#methodsFor(entrance), clientIds, tell: tell.method });
    const attempts = guardAttempts(chain, { clock, tell: tell.attempt, ...attemptOptions(guard) });
    const { flapping } = guard;
    const authenticator =
      flapping === undefined
        ? attempts
        : guardFlapping(attempts, {
            clock,
            tell: tell.flapping,
            connectsMax: flapping.connectsMax,
            windowMs: milliseconds(flapping.windowS),
            banMs: milliseconds(flapping.banS),
          });
    return { chain, authenticator, isBanned: (address) => attempts.isBanned(address) };
  }

  #methodsFor({ authentication, allowAnonymous, tls }: Entrance): Method[] {
    const names = authentication ?? [...this.#methods.keys()];
    const loaded = names.map((name) => this.#methods.get(name) as LoadedMethod);
    const anonymous = allowAnonymous ? [ANONYMOUS] : [];
    if ((tls?.clientCertificate ?? 'none') === 'none') return [...loaded.map(({ method }) => method), ...anonymous];
    const known = this.#configuration.authorities.map(({ name }) => name);
    const check = { registry: this.authorities, authorities: tls?.authorities ?? known };
    const others = loaded.map(({ configuration, method }) =>
      configuration.method === 'certificate' ? method : withCertificateCheck(method, check),
    );
    return [...others, ...anonymous.map((method) => withCertificateCheck(method, check))];
  }
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

function attemptOptions({ windowS, delayMaxMs, banS, flapping: _, ...rest }: GuardConfiguration) {
  return { ...rest, windowMs: milliseconds(windowS), delayMsMax: delayMaxMs, banMs: milliseconds(banS) };
}

function milliseconds(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : seconds * 1_000;
}

function asConfigurationError<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw error instanceof ConfigurationError ? error : new ConfigurationError([(error as Error).message]);
  }
}
