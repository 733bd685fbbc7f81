/** Against flapping: a client that connects again and again is kept out for a while. */
import type {
  AuthenticationRequest,
  AuthenticationResult,
  Authenticator,
  Awaitable,
  Clock,
  Refusal,
} from '@dunlin/broker';
import { ReasonCode } from '@dunlin/protocol';
import { addressKey } from './address-key.ts';
import { BanList } from './ban-list.ts';
import { WindowedCounts } from './windowed-counts.ts';

/** Who is kept out: what flaps is a client of somebody. */
export interface FlappingClient {
  readonly clientId: string;
  readonly identity: string | undefined;
}

/** A client begins to be kept out. */
export interface FlappingEvent extends FlappingClient {
  readonly name: 'clientFlapping';
  readonly listener: string;
  readonly banMs: number;
}

export interface FlappingOptions {
  readonly clock: Clock;
  /** Connections that a client may make within the window. Default: 30. */
  readonly connectsMax?: number;
  /** From the first connection on. Default: 1 minute. */
  readonly windowMs?: number;
  /** Default: 5 minutes. */
  readonly banMs?: number;
  /** Clients that are watched. Default: 50,000. */
  readonly entriesMax?: number;
  readonly tell?: (event: FlappingEvent) => void;
}

/** One account of clients, for as many Authenticators as stand behind it. */
export interface FlappingGuard {
  /** The Authenticator with this guard before it. */
  before(authenticator: Authenticator): Authenticator;
  /** `listener`: where the client was kept out first. */
  bans(): (FlappingClient & { readonly listener: string; readonly endsInMs: number })[];
  /** Ends the ban of the client of this identity, or of everybody's of that identifier; false where there is none. */
  lift(clientId: string, identity?: string): boolean;
}

/**
 * A guard to put before the Authenticators of a server. It refuses (0x8A, check `flapping`) who was let in more often than
 * allowed, at whichever of its listeners.
 *
 * A server should have it only where asked for: a device on a bad line flaps through no fault of its own, and keeping it
 * out makes that worse. It is for two clients that take one identifier from each other, and for clients without a
 * back-off. A client is its identifier together with its identity, or with its address where nobody is asked who they are:
 * else anyone could have any other client banned.
 */
export function flappingGuard(options: FlappingOptions): FlappingGuard {
  return new Guard(options);
}

class Guard implements FlappingGuard {
  readonly #connectsMax: number;
  readonly #connects: WindowedCounts;
  readonly #bans: BanList<FlappingClient & { readonly listener: string; readonly key: string }>;
  readonly #tell: (client: Omit<FlappingEvent, 'name' | 'banMs'>) => void;

  constructor(options: FlappingOptions) {
    const { clock, connectsMax = 30, windowMs = 60_000, banMs = 300_000, entriesMax = 50_000, tell } = options;
    this.#connectsMax = connectsMax;
    this.#connects = new WindowedCounts(clock, windowMs, entriesMax);
    this.#bans = new BanList(clock, banMs, entriesMax);
    this.#tell = (client) => tell?.({ name: 'clientFlapping', ...client, banMs });
  }

  before(inner: Authenticator): Authenticator {
    return {
      supports: (method) => inner.supports(method),
      authenticate: (request) => this.#authenticate(inner, request),
      review: (...who) => inner.review?.(...who),
    };
  }

  #authenticate(inner: Authenticator, request: AuthenticationRequest): Awaitable<AuthenticationResult> {
    const result = inner.authenticate(request);
    // Who authenticates again over a connection makes none.
    if (request.current !== undefined) return result;
    if (!(result instanceof Promise)) return this.#judge(request, result);
    return result.then((settled) => this.#judge(request, settled));
  }

  bans(): ReturnType<FlappingGuard['bans']> {
    return this.#bans.list().map(({ key: _, ...ban }) => ban);
  }

  lift(clientId: string, identity?: string): boolean {
    const isMeant = (ban: FlappingClient): boolean => identity === undefined || ban.identity === identity;
    const own = this.#bans.list().filter((ban) => ban.clientId === clientId && isMeant(ban));
    for (const { key } of own) this.#bans.lift(key);
    return own.length > 0;
  }

  #judge({ connect, peer, listener }: AuthenticationRequest, result: AuthenticationResult): AuthenticationResult {
    if (result.kind !== 'accept') return result;
    const { clientId } = connect;
    const { identity } = result.principal;
    const key = `${identity ?? addressKey(peer.address) ?? peer.address}\0${clientId}`;
    if (this.#bans.has(key)) return FLAPPING;
    if (this.#connects.add(key) <= this.#connectsMax) return result;
    this.#connects.reset(key);
    this.#bans.add(key, { clientId, identity, listener, key });
    this.#tell({ clientId, identity, listener });
    return FLAPPING;
  }
}

const FLAPPING: Refusal = { kind: 'refuse', reasonCode: ReasonCode.banned, check: 'flapping' };
