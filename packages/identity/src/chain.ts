/** The chain: asks the methods of a listener in turn who a client is, and remembers which of them let whom in. */
import type {
  AuthenticationRequest,
  AuthenticationResult,
  Authenticator,
  Awaitable,
  Clock,
  Principal,
  Refusal,
} from '@dunlin/broker';
import { ReasonCode } from '@dunlin/protocol';
import type { ClientIdRules } from './client-id-rules.ts';
import type { Method } from './method.ts';
import type { TellMethodEvent } from './method-events.ts';

/** Below the broker's `connectTimeoutMs` of 10 seconds, so that the client still learns why. */
const METHOD_TIMEOUT_MS = 8_000;
/** Characters of a failure that an event carries: what a library says may quote what it was given. */
const ERROR_CHARACTERS_MAX = 200;

export interface ChainOptions {
  readonly clock: Clock;
  /** In the order in which they are asked; names are unique. With none nobody is let in. */
  readonly methods: readonly Method[];
  /** Asked after a method accepted. Default: no rules. */
  readonly clientIds?: ClientIdRules;
  /** Milliseconds that each method may take for one answer. Default 8000. */
  readonly methodTimeoutMs?: number;
  readonly tell?: TellMethodEvent;
}

/** An Authenticator whose methods can be replaced while it is used. */
export interface AuthenticatorChain extends Authenticator {
  review(principal: Principal, clientId: string): Refusal | undefined;
  /**
   * Puts other methods and rules in place; throws, and changes nothing, where two methods have one name. An exchange
   * that is under way with a method object which is not in the new list is refused, and so is a review of whom such a
   * one let in: another method of that name knows nothing of them. Closes nothing: methods are their maker's.
   */
  replace(methods: readonly Method[], clientIds?: ClientIdRules): void;
}

/** What is remembered of one who was let in. */
interface Admission {
  readonly method: Method;
  readonly listener: string;
  /** As the method answered, without what client id rules add. */
  readonly principal: Principal;
  readonly fields: Readonly<Record<string, string>>;
}

/** State of an exchange: the method that challenged, and its own state. */
interface Exchange {
  readonly method: Method;
  readonly state: unknown;
}

/**
 * Makes the chain. The first answer wins, be it a refusal.
 *
 * Where CONNECT named an Authentication Method only methods that handle it are asked, further steps go to the one that
 * challenged, and a re-authentication to the one that let the client in; it may not change the identity. A method that
 * throws or takes too long is a refusal with 0x88 and the check `method-failed`, never a reason to ask the next one.
 * Checks of its own: `no-credentials`, `unknown-user`, `method-failed`, `method-removed`, `identity-changed`.
 */
export function authenticatorChain(options: ChainOptions): AuthenticatorChain {
  return new Chain(options);
}

class Chain implements AuthenticatorChain {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #tell: TellMethodEvent;
  readonly #admissions = new WeakMap<Principal, Admission>();
  #methods: readonly Method[] = [];
  #clientIds: ClientIdRules | undefined;

  constructor({ clock, methods, clientIds, methodTimeoutMs = METHOD_TIMEOUT_MS, tell = () => {} }: ChainOptions) {
    this.#clock = clock;
    this.#timeoutMs = methodTimeoutMs;
    this.#tell = tell;
    this.replace(methods, clientIds);
  }

  replace(methods: readonly Method[], clientIds?: ClientIdRules): void {
    const names = new Set<string>();
    for (const { name } of methods) {
      if (names.has(name)) throw new Error(`Cannot use two methods called "${name}": a name of its own is expected`);
      names.add(name);
    }
    this.#methods = [...methods];
    this.#clientIds = clientIds;
  }

  supports(authenticationMethod: string): boolean {
    return this.#methods.some((method) => handles(method, authenticationMethod));
  }

  authenticate(request: AuthenticationRequest): Awaitable<AuthenticationResult> {
    const admission = request.current === undefined ? undefined : this.#admissions.get(request.current);
    const asked: AuthenticationRequest = { ...request, current: admission?.principal };
    if (request.state !== undefined) {
      const { method, state } = request.state as Exchange;
      return this.#askFrom([method], 0, { ...asked, state }, request.current);
    }
    const named = request.connect.properties.authenticationMethod;
    const able = named === undefined ? this.#methods : this.#methods.filter((method) => handles(method, named));
    if (request.current === undefined) return this.#askFrom(able, 0, asked, undefined);
    const former = able.find((method) => method === admission?.method);
    return former === undefined ? removed() : this.#askFrom([former], 0, asked, request.current);
  }

  review(principal: Principal, clientId: string): Refusal | undefined {
    const admission = this.#admissions.get(principal);
    if (admission === undefined || !this.#methods.includes(admission.method)) return removed();
    const refused = admission.method.review?.(admission.principal);
    if (refused !== undefined) return refused;
    const verdict = this.#judge(clientId, admission.listener, admission.principal);
    if (verdict.kind === 'refuse') return verdict;
    return sameFields(verdict.fields, admission.fields)
      ? undefined
      : {
          kind: 'refuse',
          reasonCode: ReasonCode.clientIdentifierNotValid,
          check: 'client-id',
          detail: 'the rules read other fields from the client id than when the client was let in',
        };
  }

  #judge(clientId: string, listener: string, principal: Principal) {
    return this.#clientIds?.judge(clientId, listener, principal) ?? { kind: 'match' as const, fields: {} };
  }

  /** Asks the methods from one on, with no promise where each answers at once. `current`: as the broker knows it. */
  #askFrom(
    methods: readonly Method[],
    first: number,
    request: AuthenticationRequest,
    current: Principal | undefined,
  ): Awaitable<AuthenticationResult> {
    for (let index = first; index < methods.length; index++) {
      const method = methods[index];
      const answer = this.#ask(method, request);
      if (answer instanceof Promise)
        return answer.then((late) =>
          late === undefined
            ? this.#askFrom(methods, index + 1, request, current)
            : this.#settle(method, request, late, current),
        );
      if (answer !== undefined) return this.#settle(method, request, answer, current);
    }
    return unanswered(request);
  }

  #ask(method: Method, request: AuthenticationRequest): Awaitable<AuthenticationResult | undefined> {
    try {
      const answer = method.authenticate(request);
      if (!(answer instanceof Promise)) return answer;
      return this.#within(answer).catch((error: unknown) => this.#failed(method, request, error));
    } catch (error) {
      return this.#failed(method, request, error);
    }
  }

  /** The answer, or a rejection when the time is over. */
  #within<T>(answer: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = this.#clock.every(this.#timeoutMs, () => {
        timer.cancel();
        reject(new Error(`no answer within ${this.#timeoutMs} ms`));
      });
      answer.finally(() => timer.cancel()).then(resolve, reject);
    });
  }

  #failed(method: Method, request: AuthenticationRequest, error: unknown): Refusal {
    const text = String(error).slice(0, ERROR_CHARACTERS_MAX);
    const { listener, connect } = request;
    this.#tell({ name: 'methodFailed', method: method.name, listener, clientId: connect.clientId, error: text });
    return refusal(ReasonCode.serverUnavailable, 'method-failed', `the method "${method.name}" failed`);
  }

  #settle(
    method: Method,
    request: AuthenticationRequest,
    answer: AuthenticationResult,
    current: Principal | undefined,
  ): AuthenticationResult {
    if (answer.kind === 'refuse') return answer;
    if (!this.#methods.includes(method)) return removed();
    if (answer.kind === 'challenge') {
      if (request.connect.properties.authenticationMethod === undefined)
        return this.#failed(method, request, new Error('it challenged a client that named no Authentication Method'));
      const state: Exchange = { method, state: answer.state };
      return { ...answer, state };
    }
    if (current !== undefined && answer.principal.identity !== current.identity)
      return refusal(
        ReasonCode.notAuthorized,
        'identity-changed',
        'the same identity as before is expected of a re-authentication',
      );
    return this.#admit(method, request, answer);
  }

  #admit(
    method: Method,
    { connect, listener }: AuthenticationRequest,
    answer: AuthenticationResult & { readonly kind: 'accept' },
  ): AuthenticationResult {
    const verdict = this.#judge(connect.clientId, listener, answer.principal);
    if (verdict.kind === 'refuse') return verdict;
    const { fields } = verdict;
    const principal = { ...answer.principal, attributes: { ...answer.principal.attributes, ...fields } };
    this.#admissions.set(principal, { method, listener, principal: answer.principal, fields });
    return { ...answer, principal };
  }
}

function handles(method: Method, authenticationMethod: string): boolean {
  return method.authenticationMethods?.includes(authenticationMethod) === true;
}

/** Nobody knew the client: whether it showed anything is for the event, and for the code that a 5.0 client gets. */
function unanswered({ peer, connect }: AuthenticationRequest): Refusal {
  const { username, password, properties } = connect;
  const hasShown =
    (username !== undefined && username !== '') ||
    (password !== undefined && password.length > 0) ||
    (peer.certificates !== undefined && peer.certificates.length > 0) ||
    properties.authenticationMethod !== undefined;
  return hasShown
    ? refusal(ReasonCode.badUserNameOrPassword, 'unknown-user', 'no method knows what the client showed')
    : refusal(ReasonCode.notAuthorized, 'no-credentials', 'the client showed nothing of who it is');
}

function removed(): Refusal {
  return refusal(
    ReasonCode.notAuthorized,
    'method-removed',
    'the method is no longer in the configuration, or is another one there',
  );
}

function refusal(reasonCode: number, check: string, detail: string): Refusal {
  return { kind: 'refuse', reasonCode, check, detail };
}

function sameFields(one: Readonly<Record<string, string>>, other: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => one[name] === other[name]);
}
