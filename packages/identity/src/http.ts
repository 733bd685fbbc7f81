/** HTTP: the method that asks a service who a client is. */
import { createHmac, randomBytes } from 'node:crypto';
import {
  type AuthenticationRequest,
  type AuthenticationResult,
  type Awaitable,
  type Clock,
  NOBODY,
} from '@dunlin/broker';
import { ReasonCode } from '@dunlin/protocol';
import { type AnswerCache, answerCache } from './answer-cache.ts';
import { readAnswer, type ServiceAnswer, type ServiceFailure } from './http-answer.ts';
import { bodyTemplate, DEFAULT_BODY, usesVariable } from './http-request.ts';
import { type JsonService, jsonService } from './json-service.ts';
import type { Method } from './method.ts';
import type { TellMethodEvent } from './method-events.ts';
import { readServiceHeaders, type ServiceHeaders } from './service-headers.ts';
import { type WaitingLine, waitingLine } from './waiting-line.ts';

export interface HttpOptions extends ServiceHeaders {
  /** As the configuration calls this entry. */
  readonly name: string;
  readonly clock: Clock;
  /** `https:`; `http:` only to loopback addresses unless `allowsPlainHttp`. */
  readonly url: string;
  readonly allowsPlainHttp?: boolean;
  /** Authorities in PEM that may vouch for the service. Default: those of Node. */
  readonly authorities?: string;
  /** Names and texts with variables, as `bodyTemplate` takes them. Default: every variable by its name. */
  readonly body?: Readonly<Record<string, string>>;
  /** Whether an answer with status 200 says in JSON what was decided, or status 200 by itself accepts. Default `json`. */
  readonly answers?: 'json' | 'status';
  /** Whether the service is asked for clients without a password too. Default false. */
  readonly asksWithoutPassword?: boolean;
  /** Milliseconds for an answer. Default 5000; with `waitingMaxMs` it stays below what the chain gives a method. */
  readonly timeoutMs?: number;
  /** Requests at once. Default 16. */
  readonly requestsMax?: number;
  /** Clients that wait for their request. Default 1000. */
  readonly waitingMax?: number;
  /** Milliseconds that one of them waits. Default 2000. */
  readonly waitingMaxMs?: number;
  /** Bytes of an answer. Default 16384. */
  readonly answerBytesMax?: number;
  /** Milliseconds for which an accept is remembered; 0 for not at all. Default 60000. */
  readonly acceptsKeptMs?: number;
  /** Milliseconds for which a refusal is remembered. Default 0. */
  readonly refusalsKeptMs?: number;
  /** Answers that are remembered, the oldest go first. Default 10000. */
  readonly answersKeptMax?: number;
  /**
   * What holds while the service does not answer: `refuse` everybody with 0x88; ask the `next` method; `accept-cached`:
   * whom it accepted in the last `staleMaxMs`, with the same credentials. Default `refuse`.
   */
  readonly whenDown?: 'refuse' | 'next' | 'accept-cached';
  /** Milliseconds after an accept. Default 3600000, an hour. */
  readonly staleMaxMs?: number;
  readonly tell?: TellMethodEvent;
}

export interface HttpMethod extends Method {
  /** Reads header files again; what it returns puts them in force. Throws where one cannot be used. */
  prepareReload(): () => void;
  /** Forgets the answers that are remembered: for when the service has changed its mind. */
  forget(): void;
  close(): void;
}

type DefaultedOption =
  | 'answers'
  | 'asksWithoutPassword'
  | 'timeoutMs'
  | 'requestsMax'
  | 'waitingMax'
  | 'waitingMaxMs'
  | 'answerBytesMax'
  | 'acceptsKeptMs'
  | 'refusalsKeptMs'
  | 'answersKeptMax'
  | 'whenDown'
  | 'staleMaxMs';
const DEFAULTS: Required<Pick<HttpOptions, DefaultedOption>> = {
  answers: 'json',
  asksWithoutPassword: false,
  timeoutMs: 5_000,
  requestsMax: 16,
  waitingMax: 1_000,
  waitingMaxMs: 2_000,
  answerBytesMax: 16_384,
  acceptsKeptMs: 60_000,
  refusalsKeptMs: 0,
  answersKeptMax: 10_000,
  whenDown: 'refuse',
  staleMaxMs: 3_600_000,
};

/**
 * Makes the method. Throws an `Error` for options that cannot be used.
 *
 * The service gets a POST with JSON. It accepts with 204, or with 200 and `{"result": "accept"}`; refuses with 401 or
 * `{"result": "refuse"}` (0x86), or with 403 (0x87); and knows nothing of a client, so that the next method is asked, with 404 or
 * `{"result": "unknown"}`. There is one request for each question, and no redirect is followed. What else it says is
 * in `readAnswer`.
 *
 * Says nothing of a client without a password, unless `asksWithoutPassword`. A certificate in the body is one whose key
 * the client has; whether it has ended or was revoked is for a certificate method in front of this one.
 *
 * Refusals: `service-refused`, `service-unavailable` (0x88), `service-answer` (0x88: an answer that is none),
 * `service-busy` (0x89) and `password-text`.
 */
export function httpMethod(options: HttpOptions): HttpMethod {
  return new ServiceMethod(options);
}

type KeptAnswer = Exclude<ServiceAnswer, ServiceFailure>;

class ServiceMethod implements HttpMethod {
  readonly name: string;
  readonly #options: HttpOptions & typeof DEFAULTS;
  readonly #bodyOf: (request: AuthenticationRequest) => string;
  readonly #service: JsonService;
  readonly #line: WaitingLine;
  readonly #cache: AnswerCache<KeptAnswer>;
  /** Of this process only, so that the keys of the cache say nothing of the credentials that they are made of. */
  readonly #secret = randomBytes(32);
  #headers: Readonly<Record<string, string>>;
  #isDown = false;

  constructor(given: HttpOptions) {
    const options = { ...DEFAULTS, ...given };
    const { clock, body = DEFAULT_BODY, requestsMax, waitingMax, waitingMaxMs } = options;
    if (!usesVariable(body, 'username')) throw new Error('Cannot use the body: {username} is expected in it');
    if (!options.asksWithoutPassword && !usesVariable(body, 'password'))
      throw new Error('Cannot use the body: {password} is expected in it');
    this.name = options.name;
    this.#options = options;
    this.#bodyOf = bodyTemplate(body);
    this.#headers = readServiceHeaders(options);
    this.#service = jsonService({ ...options, connectionsMax: requestsMax, headers: () => this.#headers });
    this.#line = waitingLine({ clock, atOnceMax: requestsMax, waitingMax, patienceMs: waitingMaxMs });
    this.#cache = answerCache(clock, options.answersKeptMax);
  }

  authenticate(request: AuthenticationRequest): Awaitable<AuthenticationResult | undefined> {
    const { password } = request.connect;
    if ((password === undefined || password.length === 0) && !this.#options.asksWithoutPassword) return undefined;
    let body: string;
    try {
      body = this.#bodyOf(request);
    } catch {
      return refusal('password-text', ReasonCode.badUserNameOrPassword, 'a password in UTF-8 is expected');
    }
    const key = createHmac('sha256', this.#secret).update(body).digest('base64');
    const kept = this.#kept(key, 'fresh');
    return kept === undefined ? this.#ask(body, key, request) : this.#resultOf(kept, request);
  }

  prepareReload(): () => void {
    const headers = readServiceHeaders(this.#options);
    return () => {
      this.#headers = headers;
    };
  }

  forget(): void {
    this.#cache.clear();
  }

  close(): void {
    this.#service.close();
  }

  async #ask(body: string, key: string, request: AuthenticationRequest): Promise<AuthenticationResult | undefined> {
    const answer = await this.#line.run(() => this.#answerTo(body));
    if (answer === undefined) return refusal('service-busy', ReasonCode.serverBusy, 'too many wait for the service');
    this.#tellOf(answer);
    if (answer.kind !== 'failure') {
      this.#keep(key, answer);
      return this.#resultOf(answer, request);
    }
    if (!answer.isDown) return refusal('service-answer', ReasonCode.serverUnavailable, answer.error);
    const { whenDown } = this.#options;
    const kept = whenDown === 'accept-cached' ? this.#kept(key, 'stale') : undefined;
    if (kept?.kind === 'accept') return this.#resultOf(kept, request);
    return whenDown === 'next' ? undefined : refusal('service-unavailable', ReasonCode.serverUnavailable, answer.error);
  }

  async #answerTo(body: string): Promise<ServiceAnswer> {
    try {
      return readAnswer(await this.#service.ask(body), this.#options.answers);
    } catch (error) {
      return { kind: 'failure', isDown: true, error: (error as Error).message };
    }
  }

  /** Once for the first failure, and once for the first answer after it. */
  #tellOf(answer: ServiceAnswer): void {
    const isDown = answer.kind === 'failure';
    if (isDown === this.#isDown) return;
    this.#isDown = isDown;
    const about = { method: this.name, service: this.#service.name };
    if (answer.kind === 'failure') this.#options.tell?.({ name: 'serviceUnavailable', ...about, error: answer.error });
    else this.#options.tell?.({ name: 'serviceAvailable', ...about });
  }

  #keep(key: string, answer: KeptAnswer): void {
    const { acceptsKeptMs, refusalsKeptMs, whenDown, staleMaxMs } = this.#options;
    if (answer.kind !== 'accept') this.#cache.put(key, answer, refusalsKeptMs, refusalsKeptMs);
    else this.#cache.put(key, answer, acceptsKeptMs, whenDown === 'accept-cached' ? staleMaxMs : acceptsKeptMs);
  }

  #kept(key: string, age: 'fresh' | 'stale'): KeptAnswer | undefined {
    const kept = this.#cache.get(key, age);
    const hasEnded = kept?.kind === 'accept' && kept.expiresAtMs <= this.#options.clock.nowMs();
    return hasEnded ? undefined : kept;
  }

  #resultOf(answer: KeptAnswer, { connect }: AuthenticationRequest): AuthenticationResult | undefined {
    if (answer.kind === 'unknown') return undefined;
    if (answer.kind === 'refuse')
      return refusal('service-refused', answer.reasonCode, 'the service refused the client');
    const { groups, attributes, expiresAtMs, claims } = answer;
    const username = answer.username ?? (connect.username === '' ? undefined : connect.username);
    if (username === undefined)
      return refusal(
        'service-answer',
        ReasonCode.serverUnavailable,
        'a "username" is expected for a client without one',
      );
    const identity = `${this.name}:${username}`;
    return { kind: 'accept', principal: { ...NOBODY, username, identity, groups, attributes, expiresAtMs, claims } };
  }
}

function refusal(check: string, reasonCode: number, detail: string): AuthenticationResult {
  return { kind: 'refuse', reasonCode, check, detail };
}
