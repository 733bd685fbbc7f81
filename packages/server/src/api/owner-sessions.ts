/**
 * Owners of devices that are signed in. They are remembered in memory alone: what could be stolen from a disk is not there,
 * whoever lets them in can be asked at every request whether they may stay, and after a restart they sign in again.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Authenticator, Clock, Principal } from '@dunlin/broker';
import { BoundedMap } from '@dunlin/identity';

export interface OwnerSession {
  /** User name, as in `Device.owner`. */
  readonly owner: string;
  /** Stands in the forms of its pages: no other page knows it. */
  readonly formToken: string;
}

interface Kept extends OwnerSession {
  readonly principal: Principal;
  readonly authenticator: Authenticator;
  /** Steady clock. */
  readonly endsAtMs: number;
  lastUsedAtMs: number;
}

export interface OwnerSessionLimits {
  /** Whoever came longest ago signs in again. */
  readonly ownerSessionsMax: number;
  readonly sessionsPerOwnerMax: number;
}

/** Told of a limit by which one more session ended early, and whose it is where it is about one owner. */
export type SessionEnded = (limit: keyof OwnerSessionLimits, owner: string) => void;

const IDLE_MS = 30 * 60_000;
const ABSOLUTE_MS = 12 * 3_600_000;
const ID = /^[\w-]{43}$/;

/** `__Host-`: set by this host alone, over TLS, for all of it (RFC 6265bis). */
function cookieName(isSecure: boolean): string {
  return isSecure ? '__Host-dunlin-owner' : 'dunlin-owner';
}

export class OwnerSessions {
  readonly #clock: Clock;
  /** By the hash of the id: comparing them tells nothing of one. */
  readonly #sessions: BoundedMap<Kept>;
  readonly #limits: OwnerSessionLimits;
  readonly #ended: SessionEnded;

  constructor(clock: Clock, limits: OwnerSessionLimits, ended: SessionEnded) {
    this.#clock = clock;
    this.#limits = limits;
    this.#ended = ended;
    this.#sessions = new BoundedMap(limits.ownerSessionsMax);
  }

  /** Begins a session under an id of its own, whatever the browser had before. Returns the cookie for it. */
  begin(owner: string, principal: Principal, authenticator: Authenticator, isSecure: boolean): string {
    const id = randomBytes(32).toString('base64url');
    const nowMs = this.#clock.steadyMs();
    const ofCredential = principal.expiresAtMs - this.#clock.nowMs();
    const endsAtMs = nowMs + Math.min(ABSOLUTE_MS, ofCredential);
    const formToken = randomBytes(32).toString('base64url');
    this.#makeRoom(owner);
    this.#sessions.set(hashOf(id), { owner, principal, authenticator, formToken, endsAtMs, lastUsedAtMs: nowMs });
    return cookie(id, isSecure);
  }

  /** Whoever the cookie says, if that is known, not too long ago, and may still be; asking counts as use. */
  find(headers: IncomingHttpHeaders, isSecure: boolean): OwnerSession | undefined {
    const key = keyIn(headers, isSecure);
    const kept = key === undefined ? undefined : this.#sessions.get(key);
    if (key === undefined || kept === undefined) return undefined;
    const nowMs = this.#clock.steadyMs();
    const isOver = nowMs >= kept.endsAtMs || nowMs - kept.lastUsedAtMs >= IDLE_MS;
    if (isOver || kept.authenticator.review?.(kept.principal, '') !== undefined) {
      this.#sessions.delete(key);
      return undefined;
    }
    kept.lastUsedAtMs = nowMs;
    return kept;
  }

  /** Ends the session of the cookie. Returns the cookie that takes it away. */
  end(headers: IncomingHttpHeaders, isSecure: boolean): string {
    const key = keyIn(headers, isSecure);
    if (key !== undefined) this.#sessions.delete(key);
    return `${cookie('', isSecure)}; Max-Age=0`;
  }

  #makeRoom(owner: string): void {
    const own = [...this.#sessions.entries()].filter(([, kept]) => kept.owner === owner);
    const { ownerSessionsMax, sessionsPerOwnerMax } = this.#limits;
    if (own.length >= sessionsPerOwnerMax) {
      this.#sessions.delete(own[0][0]);
      this.#ended('sessionsPerOwnerMax', owner);
    }
    if (this.#sessions.size >= ownerSessionsMax) this.#ended('ownerSessionsMax', '');
  }
}

/** Whether a form or a header carries the token of the session. */
export function isFormToken(session: OwnerSession, shown: unknown): boolean {
  if (typeof shown !== 'string') return false;
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(shown), digest(session.formToken));
}

function cookie(id: string, isSecure: boolean): string {
  return `${cookieName(isSecure)}=${id}; Path=/; HttpOnly; SameSite=Strict${isSecure ? '; Secure' : ''}`;
}

/** Where there are two of the name none counts: one of them is somebody else's. */
function keyIn({ cookie: given = '' }: IncomingHttpHeaders, isSecure: boolean): string | undefined {
  const name = `${cookieName(isSecure)}=`;
  const ids = given.split(';').flatMap((one) => (one.trim().startsWith(name) ? [one.trim().slice(name.length)] : []));
  return ids.length === 1 && ID.test(ids[0]) ? hashOf(ids[0]) : undefined;
}

function hashOf(id: string): string {
  return createHash('sha256').update(id).digest('base64');
}
