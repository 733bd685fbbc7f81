/** The method `scram`: SCRAM-SHA-256 and -512 in CONNECT and AUTH (section 4.12), so that no password is ever sent. */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { AuthenticationRequest, AuthenticationResult, Refusal } from '@dunlin/broker';
import { ReasonCode } from '@dunlin/protocol';
import { CredentialFileError, parseCredentials, readCredentialText, userProblem } from './credential-file.ts';
import type { Method } from './method.ts';
import {
  parseScramCredential,
  SCRAM_MECHANISMS,
  SCRAM_WRITTEN,
  type ScramCredential,
  ScramError,
  type ScramMechanism,
  scramTextProblem,
} from './scram-credential.ts';
import { type ClientFirst, parseClientFinal, parseClientFirst } from './scram-message.ts';
import { DISABLED, type KnownUser, Likeness, type UserChanges, UserTable } from './user-table.ts';

/** A user of the configuration. */
export interface ScramUser {
  readonly name: string;
  /** One for each mechanism that the user may use, as `dunlin passwd --hash --scram 256` prints it. */
  readonly credentials: readonly string[];
  /** Default: none. */
  readonly groups?: readonly string[];
  /** Default: none. */
  readonly attributes?: Readonly<Record<string, string>>;
  /** Default: false. */
  readonly disabled?: boolean;
}

export interface ScramOptions {
  /** As the configuration calls it. */
  readonly name: string;
  /** Lines `user:credential`. Default: none. */
  readonly file?: string;
  /** Users besides those of the file. Default: none. */
  readonly users?: readonly ScramUser[];
  /**
   * What salts and iterations of unknown users are made from, at least 16 bytes that nobody can guess. Default: random, so
   * that with a restart they change and those of known users do not; a server that keeps it tells nobody even that.
   */
  readonly fakeSaltKey?: Uint8Array;
  /** The server's part of a nonce: printable ASCII without commas, never twice. Default: 144 random bits. */
  readonly nonce?: () => string;
}

export interface ScramMethod extends Method {
  /** Reads the file again; what it returns puts that and these users in force. Throws as `scram` does. */
  prepareReload(users?: readonly ScramUser[]): () => UserChanges;
}

type Credentials = Partial<Readonly<Record<ScramMechanism, ScramCredential>>>;
type Shape = typeof SCRAM_WRITTEN;

/** What stands between server-first and client-final. Good for one answer. */
class Exchange {
  readonly first: ClientFirst;
  readonly credential: ScramCredential;
  readonly nonce: string;
  readonly serverFirst: string;
  /** The entry of the user when the exchange began; undefined for a user that nobody knows. */
  readonly entry: unknown;
  isOver = false;

  constructor(first: ClientFirst, credential: ScramCredential, serverNonce: string, entry: unknown) {
    this.first = first;
    this.credential = credential;
    this.nonce = first.nonce + serverNonce;
    this.serverFirst = `r=${this.nonce},s=${credential.salt.toString('base64')},i=${credential.iterations}`;
    this.entry = entry;
  }
}

/**
 * Answers every client that names one of the mechanisms: a user that nobody knows gets a challenge like any other, with a
 * salt that is always the same for its name, and fails at the proof. So no second method of a chain is ever asked for
 * such a client: name one `scram`.
 *
 * Throws a `CredentialFileError` or a `ScramError`.
 */
export function scram(options: ScramOptions): ScramMethod {
  const method = new Scram(options);
  method.prepareReload(options.users)();
  return method;
}

class Scram implements ScramMethod {
  readonly name: string;
  readonly authenticationMethods = Object.keys(SCRAM_MECHANISMS);
  readonly #file: string | undefined;
  readonly #fakeSaltKey: Uint8Array;
  readonly #serverNonce: () => string;
  readonly #users: UserTable<Credentials>;
  readonly #likeness: Readonly<Record<ScramMechanism, Likeness<Shape>>>;

  constructor({ name, file, fakeSaltKey = randomBytes(32), nonce }: ScramOptions) {
    this.name = name;
    this.#file = file;
    this.#fakeSaltKey = fakeSaltKey;
    this.#likeness = {
      'SCRAM-SHA-256': new Likeness(SCRAM_WRITTEN, fakeSaltKey),
      'SCRAM-SHA-512': new Likeness(SCRAM_WRITTEN, fakeSaltKey),
    };
    this.#serverNonce = nonce ?? (() => randomBytes(18).toString('base64'));
    this.#users = new UserTable(name, (credentials) =>
      Object.values(credentials)
        .map(({ text }) => text)
        .sort()
        .join(),
    );
  }

  prepareReload(users: readonly ScramUser[] = []): () => UserChanges {
    const read = readUsers(this.#file, users);
    return () => this.#replace(read);
  }

  authenticate(request: AuthenticationRequest): AuthenticationResult | undefined {
    const mechanism = request.connect.properties.authenticationMethod;
    if (mechanism === undefined || !isMechanism(mechanism)) return undefined;
    return request.state === undefined ? this.#begin(request, mechanism) : this.#finish(request);
  }

  review(principal: Parameters<UserTable<Credentials>['review']>[0]): Refusal | undefined {
    return this.#users.review(principal);
  }

  #replace(read: ReadonlyMap<string, KnownUser<Credentials>>): UserChanges {
    const credentials = [...read.values()].flatMap(({ proof }) => Object.values(proof));
    for (const [mechanism, likeness] of Object.entries(this.#likeness)) {
      const own = credentials.filter((credential) => credential.mechanism === mechanism);
      likeness.replace(own.map(({ iterations, salt }) => ({ iterations, saltBytes: salt.length })));
    }
    return this.#users.replace(read);
  }

  #begin({ data, connect }: AuthenticationRequest, mechanism: ScramMechanism): AuthenticationResult {
    const first = parseClientFirst(data);
    if (typeof first === 'string') return malformed(first);
    const { username } = first;
    const problem = scramTextProblem(username);
    if (problem !== undefined) return refusal('scram-username', `the user name cannot be used: ${problem}`);
    if (connect.username !== undefined && connect.username !== username)
      return refusal('scram-username', 'the user name of CONNECT is another one');
    const entry = this.#users.get(username);
    const credential = entry?.proof[mechanism] ?? this.#fakeCredential(username, mechanism);
    const exchange = new Exchange(first, credential, this.#serverNonce(), entry);
    return { kind: 'challenge', data: Buffer.from(exchange.serverFirst), state: exchange };
  }

  #finish({ data, state, current }: AuthenticationRequest): AuthenticationResult {
    if (!(state instanceof Exchange) || state.isOver) return malformed('the exchange is over');
    state.isOver = true;
    const final = parseClientFinal(data);
    if (typeof final === 'string') return malformed(final);
    const { first, credential, nonce, serverFirst } = state;
    if (final.nonce !== nonce) return refusal('scram-nonce', 'client-final belongs to another exchange');
    if (!final.header.equals(Buffer.from(first.header)))
      return refusal('scram-channel-binding', 'client-final does not repeat the gs2-header');
    const signed = `${first.bare},${serverFirst},${final.withoutProof}`;
    if (!isProof(credential, final.proof, signed)) return refusal('scram-proof', 'the password is wrong');
    const { username } = first;
    const entry = this.#users.get(username);
    if (entry === undefined || entry !== state.entry)
      return refusal('scram-proof', 'the user changed during the exchange');
    if (entry.disabled) return DISABLED;
    const principal = this.#users.principal(username, entry);
    if (current !== undefined && current.identity !== principal.identity)
      return { kind: 'refuse', reasonCode: ReasonCode.notAuthorized, check: 'identity-changed' };
    const { hash } = SCRAM_MECHANISMS[credential.mechanism];
    const signature = createHmac(hash, credential.serverKey).update(signed).digest('base64');
    return { kind: 'accept', principal, data: Buffer.from(`v=${signature}`) };
  }

  /** Nobody knows what the keys were made from, so no proof fits. */
  #fakeCredential(username: string, mechanism: ScramMechanism): ScramCredential {
    const { iterations, saltBytes } = this.#likeness[mechanism].of(username);
    const made = (part: string): Buffer =>
      createHmac('sha512', this.#fakeSaltKey).update(`${part}\0${mechanism}\0${username}`).digest();
    const { bytes } = SCRAM_MECHANISMS[mechanism];
    const [salt, storedKey, serverKey] = [made('salt').subarray(0, saltBytes), made('stored'), made('server')];
    return {
      ...{ mechanism, iterations, salt, text: '' },
      storedKey: storedKey.subarray(0, bytes),
      serverKey: serverKey.subarray(0, bytes),
    };
  }
}

function isProof({ mechanism, storedKey }: ScramCredential, proof: Buffer, signed: string): boolean {
  const { hash, bytes } = SCRAM_MECHANISMS[mechanism];
  if (proof.length !== bytes) return false;
  const signature = createHmac(hash, storedKey).update(signed).digest();
  const clientKey = signature.map((byte, at) => byte ^ proof[at]);
  return timingSafeEqual(createHash(hash).update(clientKey).digest(), storedKey);
}

function readUsers(file: string | undefined, list: readonly ScramUser[]): Map<string, KnownUser<Credentials>> {
  const read = new Map<string, KnownUser<Credentials>>();
  for (const { name, credentials, groups = [], attributes = {}, disabled = false } of list) {
    const problem = nameProblem(name) ?? (read.has(name) ? 'the user is here twice, expected once' : undefined);
    if (problem !== undefined) throw new ScramError(`Cannot use the user ${JSON.stringify(name)}: ${problem}`);
    read.set(name, { proof: credentialsOf(name, credentials), groups, attributes, disabled });
  }
  if (file === undefined) return read;
  const lines = parseCredentials(file, readCredentialText(file), parseScramCredential, ({ mechanism }) => mechanism);
  const listed = new Set(read.keys());
  for (const { user, line, value } of lines) {
    const problem = nameProblem(user) ?? (listed.has(user) ? 'the configuration has the user as well' : undefined);
    if (problem !== undefined) throw new CredentialFileError(file, [`${file}:${line}: ${problem}`]);
    const proof = { ...read.get(user)?.proof, [value.mechanism]: value };
    read.set(user, { proof, groups: [], attributes: {}, disabled: false });
  }
  return read;
}

function credentialsOf(name: string, texts: readonly string[]): Credentials {
  try {
    const proof = Object.fromEntries(texts.map(parseScramCredential).map((one) => [one.mechanism, one]));
    if (texts.length > 0 && Object.keys(proof).length === texts.length) return proof;
    throw new ScramError('one credential a mechanism is expected');
  } catch (error) {
    throw new ScramError(`Cannot use the user ${JSON.stringify(name)}: ${(error as Error).message}`);
  }
}

function nameProblem(name: string): string | undefined {
  const problem = scramTextProblem(name);
  return (
    userProblem(name) ?? (problem === undefined ? undefined : `the user name cannot be used with SCRAM: ${problem}`)
  );
}

function isMechanism(method: string): method is ScramMechanism {
  return Object.hasOwn(SCRAM_MECHANISMS, method);
}

function refusal(check: string, detail: string): Refusal {
  return { kind: 'refuse', reasonCode: ReasonCode.badUserNameOrPassword, check, detail };
}

function malformed(detail: string): Refusal {
  return { kind: 'refuse', reasonCode: ReasonCode.protocolError, check: 'scram-message', detail };
}
