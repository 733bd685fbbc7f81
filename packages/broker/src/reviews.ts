/**
 * Reviews: after something changed about who may stay and what they may do, everybody who is there is asked about again.
 *
 * In slices, so that a review of many connections holds up nobody. A client on its way in was let in before the change
 * or after it, nobody knows: it is asked about when it arrives, which `isSeen` tells.
 */
import type { Broker } from './broker.ts';
import type { Connection } from './connection.ts';
import { permit } from './delivery-checks.ts';
import { expel, failConnection } from './disconnect.ts';
import type { Principal, Refusal } from './ports.ts';
import { Session } from './session.ts';

/** One slice of a review. */
const SLICE_MS = 10;

/** A client that a review sent away. */
export interface EndedClient {
  readonly clientId: string;
  /** The check that failed, as in `Refusal`. */
  readonly check: string;
}

/** Clients that a review names; it counts them all. */
const ENDED_CLIENTS_MAX = 20;

/** What `Broker.reviewConnections` has done. */
export interface ConnectionsReview {
  readonly reviewed: number;
  readonly ended: number;
  /** The first 20 of them. */
  readonly endedClients: readonly EndedClient[];
}

/** What `Broker.reviewPermissions` has done. */
export interface PermissionsReview {
  /** Sessions with a connection, or with a will that is yet to be sent. */
  readonly reviewed: number;
  /** Those of them whose deliveries are checked one by one from here on. */
  readonly checked: number;
}

export class Reviews {
  readonly #broker: Broker;
  /** Reviews that were begun. */
  #begun = 0;

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  /** Notes that what is decided about the connection from here on is decided as things are now. */
  see(connection: Connection): void {
    connection.reviewsSeen = this.#begun;
  }

  /** Whether no review has begun since then. */
  isSeen(connection: Connection): boolean {
    return connection.reviewsSeen === this.#begun;
  }

  async connections(): Promise<ConnectionsReview> {
    this.#begun += 1;
    let ended = 0;
    const endedClients: EndedClient[] = [];
    const reviewed = await this.#each([...this.#broker.connections], (connection) => {
      const { principal, session } = connection;
      if (connection.state !== 'open' || principal === undefined || session === undefined) return false;
      const refusal = refusalOfReview(connection, principal, session.clientId);
      if (refusal !== undefined) {
        ended += 1;
        if (endedClients.length < ENDED_CLIENTS_MAX)
          endedClients.push({ clientId: session.clientId, check: refusal.check });
        expel(connection, refusal);
      }
      return true;
    });
    return { reviewed, ended, endedClients };
  }

  async permissions(): Promise<PermissionsReview> {
    this.#begun += 1;
    let checked = 0;
    const reviewed = await this.#each([...this.#broker.sessionsById.values()], (session) => {
      if (!this.#permitAnew(session)) return false;
      if (session.checksDeliveries) checked += 1;
      return true;
    });
    return { reviewed, checked };
  }

  /** As `Broker.endSessions`. */
  async endSessions(isMeant: (identity: string | undefined) => boolean): Promise<number> {
    const broker = this.#broker;
    const ended = await this.#each([...broker.sessionsById.values()], ({ clientId }) =>
      broker.endSession(clientId, isMeant),
    );
    if (broker.isDraining) throw new Error('Cannot end sessions: the broker stops');
    return ended;
  }

  /** Returns false where the session has nothing that permissions are asked for before its client comes back. */
  #permitAnew(session: Session): boolean {
    const broker = this.#broker;
    if (broker.sessionsById.get(session.clientId) !== session) return false;
    const principal = session.owner === undefined ? session.will?.principal : session.owner.principal;
    // Of who is away nobody knows the new ones: what waits is checked when it is sent.
    permit(session, principal && broker.authorizer?.permissions(session.clientId, principal));
    return principal !== undefined;
  }

  /** Runs `step` for each, in turns of about 10 ms; returns for how many it was true. A fault ends one connection. */
  async #each<T extends Connection | Session>(all: readonly T[], step: (one: T) => boolean): Promise<number> {
    const broker = this.#broker;
    let done = 0;
    broker.beginTurn();
    let pauseAtMs = broker.clockMs() + SLICE_MS;
    for (const one of all) {
      if (broker.clockMs() >= pauseAtMs) {
        await new Promise<void>((resolve) => broker.endOfTurn(resolve));
        broker.beginTurn();
        pauseAtMs = broker.clockMs() + SLICE_MS;
      }
      if (broker.isDraining) return done;
      try {
        if (step(one)) done += 1;
      } catch (error) {
        const connection = one instanceof Session ? one.owner : (one as Connection);
        if (connection === undefined) broker.internalError(error);
        else failConnection(connection, error);
      }
    }
    return done;
  }
}

/** Why a client that was let in may not stay. */
export function refusalOfReview(connection: Connection, principal: Principal, clientId: string): Refusal | undefined {
  return connection.policy.authenticator.review?.(principal, clientId);
}
