/** HTTP: the method that asks a service who a client is. */
import { createHmac, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { validateHeaderName, validateHeaderValue } from 'node:http';
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
import { type WaitingLine, waitingLine } from './waiting-line.ts';

export interface HttpOptions {
  /** As the configuration calls this entry. */
  readonly name: string;
  readonly clock: Clock;
  /** `https:`; `http:` only to loopback addresses unless `allowsPlainHttp`. */
  readonly url: string;
  readonly allowsPlainHttp?: boolean;
  /** Authorities in PEM that may vouch for the service. Default: those of Node. */
  readonly authorities?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Headers and the files that their values are read from, such as `{ Authorization: 'FILE' }`. */
  readonly headerFiles?: Readonly<Record<string, string>>;
  /** Names and texts with variables, as `bodyTemplate` takes them. Default: every variable by its name. */
  readonly body?: Readonly<Record<string, string>>;
  /** Whether an answer with status 200 says in JSON what was decided, or status 200 by itself accepts. Default `json`. */
  readonly answers?: 'json' | 'status';
  /** Whether the service is asked for clients without a password too. Default false. */
  readonly asksWithoutPassword?: boolean;
  /** Milliseconds for an answer. Default 5000; with the 2000 of a wait it stays below what the chain gives a method. */
  readonly timeoutMs?: number;
  /** Requests at once. Default 16. */
  readonly requestsMax?: number;
  /** Clients that wait for their request, each 2000 milliseconds at the most. Default 1000. */
  readonly waitingMax?: number;
  /** Bytes of an answer. Default 16384. */
  readonly answerBytesMax?: number;
  /** Milliseconds for which an accept is remembered; 0 for not at all. Default 60000. */
  readonly acceptsKeptMs?: number;
  /** Accepts that are remembered, the oldest go first; no change of it counts at a reload. Default 10000. */
  readonly acceptsKeptMax?: number;
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
  /**
   * Reads header files again; what it returns puts these options in force. They are for the same service, and change
   * neither whom it lets in nor as whom: what was remembered goes on, and so does what is under way, as it began. Throws
   * where one cannot be used.
   */
  prepareReload(options: HttpOptions): () => void;
  /** Questions under way are still answered. */
  close(): void;
}

type DefaultedOption =
  | 'answers'
  | 'asksWithoutPassword'
  | 'timeoutMs'
  | 'requestsMax'
  | 'waitingMax'
  | 'answerBytesMax'
  | 'acceptsKeptMs'
  | 'acceptsKeptMax'
  | 'whenDown'
  | 'staleMaxMs';
const DEFAULTS: Required<Pick<HttpOptions, DefaultedOption>> = {
  answers: 'json',
  asksWithoutPassword: false,
  timeoutMs: 5_000,
  requestsMax: 16,
  waitingMax: 1_000,
  answerBytesMax: 16_384,
  acceptsKeptMs: 60_000,
  acceptsKeptMax: 10_000,
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

type Accept = ServiceAnswer & { readonly kind: 'accept' };

const WAIT_MS_MAX = 2_000;

/** What options make: a question goes on with what it began with. */
interface Asking {
  readonly options: HttpOptions & typeof DEFAULTS;
  readonly bodyOf: (request: AuthenticationRequest) => string;
  readonly service: JsonService;
  readonly line: WaitingLine;
}

function asking(given: HttpOptions): Asking {
  const options = { ...DEFAULTS, ...given };
  const { clock, body = DEFAULT_BODY, requestsMax, waitingMax } = options;
  if (!usesVariable(body, 'username')) throw new Error('Cannot use the body: {username} is expected in it');
  if (!options.asksWithoutPassword && !usesVariable(body, 'password'))
    throw new Error('Cannot use the body: {password} is expected in it');
  const headers = readHeaders(options);
  return {
    options,
    bodyOf: bodyTemplate(body),
    service: jsonService({ ...options, connectionsMax: requestsMax, headers: () => headers }),
    line: waitingLine({ clock, atOnceMax: requestsMax, waitingMax, patienceMs: WAIT_MS_MAX }),
  };
}

class ServiceMethod implements HttpMethod {
  readonly name: string;
  readonly #clock: Clock;
  readonly #cache: AnswerCache<Accept>;
  /** Of this process only, so that the keys of the cache say nothing of the credentials that they are made of. */
  readonly #secret = randomBytes(32);
  #asking: Asking;
  #isDown = false;

  constructor(given: HttpOptions) {
    this.#asking = asking(given);
    const { name, clock, acceptsKeptMax } = this.#asking.options;
    this.name = name;
    this.#clock = clock;
    this.#cache = answerCache(clock, acceptsKeptMax);
  }

  authenticate(request: AuthenticationRequest): Awaitable<AuthenticationResult | undefined> {
    const { options, bodyOf } = this.#asking;
    const { password } = request.connect;
    if ((password === undefined || password.length === 0) && !options.asksWithoutPassword) return undefined;
    let body: string;
    try {
      body = bodyOf(request);
    } catch {
      return refusal('password-text', ReasonCode.badUserNameOrPassword, 'a password in UTF-8 is expected');
    }
    const key = createHmac('sha256', this.#secret).update(body).digest('base64');
    const kept = this.#kept(key, options.acceptsKeptMs);
    return kept === undefined ? this.#ask(this.#asking, body, key, request) : this.#resultOf(kept, request);
  }

  prepareReload(options: HttpOptions): () => void {
    const next = asking(options);
    return () => {
      this.close();
      this.#asking = next;
    };
  }

  close(): void {
    this.#asking.service.close();
  }

  async #ask(
    { options, service, line }: Asking,
    body: string,
    key: string,
    request: AuthenticationRequest,
  ): Promise<AuthenticationResult | undefined> {
    const { answers, whenDown, acceptsKeptMs, staleMaxMs } = options;
    const answer = await line.run(() => answerTo(body, service, answers));
    if (answer === undefined) return refusal('service-busy', ReasonCode.serverBusy, 'too many wait for the service');
    this.#tellOf(answer, service.name, options.tell);
    if (answer.kind !== 'failure') {
      if (answer.kind === 'accept' && (acceptsKeptMs > 0 || whenDown === 'accept-cached')) this.#cache.put(key, answer);
      else this.#cache.delete(key);
      return this.#resultOf(answer, request);
    }
    if (!answer.isDown) return refusal('service-answer', ReasonCode.serverUnavailable, answer.error);
    const kept = whenDown === 'accept-cached' ? this.#kept(key, staleMaxMs) : undefined;
    if (kept !== undefined) return this.#resultOf(kept, request);
    return whenDown === 'next' ? undefined : refusal('service-unavailable', ReasonCode.serverUnavailable, answer.error);
  }

  /** Once for the first failure, and once for the first answer after it. */
  #tellOf(answer: ServiceAnswer, service: string, tell: TellMethodEvent = () => {}): void {
    const isDown = answer.kind === 'failure';
    if (isDown === this.#isDown) return;
    this.#isDown = isDown;
    const about = { method: this.name, service };
    if (answer.kind === 'failure') tell({ name: 'serviceUnavailable', ...about, error: answer.error });
    else tell({ name: 'serviceAvailable', ...about });
  }

  #kept(key: string, ageMaxMs: number): Accept | undefined {
    const kept = this.#cache.get(key, ageMaxMs);
    return kept !== undefined && kept.expiresAtMs > this.#clock.nowMs() ? kept : undefined;
  }

  #resultOf(
    answer: Exclude<ServiceAnswer, ServiceFailure>,
    { connect }: AuthenticationRequest,
  ): AuthenticationResult | undefined {
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

async function answerTo(body: string, service: JsonService, answers: 'json' | 'status'): Promise<ServiceAnswer> {
  try {
    return readAnswer(await service.ask(body), answers);
  } catch (error) {
    return { kind: 'failure', isDown: true, error: (error as Error).message };
  }
}

/** All headers, those of files without the line break at their ends. No error quotes a value. */
function readHeaders({ headers = {}, headerFiles = {} }: HttpOptions): Readonly<Record<string, string>> {
  const all = { ...headers };
  for (const [name, path] of Object.entries(headerFiles)) all[name] = readFileSync(path, 'utf8').replace(/\r?\n$/, '');
  for (const [name, value] of Object.entries(all)) {
    try {
      validateHeaderName(name);
      validateHeaderValue(name, value);
    } catch {
      throw new Error(`Cannot send the header ${JSON.stringify(name)}: a name and a value of one line are expected`);
    }
  }
  return all;
}

function refusal(check: string, reasonCode: number, detail: string): AuthenticationResult {
  return { kind: 'refuse', reasonCode, check, detail };
}
