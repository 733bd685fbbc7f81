/**
 * Sessions of devices that were removed: they end, so that nobody waits for what they hold, and whoever gets the id of one
 * later comes to none of them. What a crash left is found when that one comes.
 */
import type { BrokerEvent, Clock } from '@dunlin/broker';
import type { DeviceBroker } from '../ports.ts';
import type { DeviceCheck } from './device-checks.ts';
import type { DeviceIdentities } from './device-identity.ts';

const REMOVED: DeviceCheck = 'device-removed';

export interface FormerSessionsParts {
  readonly identities: DeviceIdentities;
  readonly clock: Pick<Clock, 'endOfTurn'>;
  /** Undefined: there is none yet, and no session. */
  readonly broker: () => Pick<DeviceBroker, 'endSession' | 'endSessions'> | undefined;
}

/** A look through all sessions that is yet to begin. */
interface Walk {
  readonly deviceIds: Set<string>;
  readonly done: Promise<void>;
}

export class FormerSessions {
  readonly #parts: FormerSessionsParts;
  /** The walk that is under way, if there is one. */
  #walking: Promise<unknown> = Promise.resolve();
  #next: Walk | undefined;

  constructor(parts: FormerSessionsParts) {
    this.#parts = parts;
  }

  /**
   * Ends every session of a device that was removed, whose id nobody else has yet: it may have connected by several Client
   * Identifiers, of which the broker alone knows. Settles when none can come back. Devices that are removed meanwhile share
   * the next walk through the sessions, so that many of them do not take one each.
   */
  removed(deviceId: string): Promise<void> {
    this.#next ??= this.#walkLater();
    this.#next.deviceIds.add(deviceId);
    return this.#next.done;
  }

  #walkLater(): Walk {
    const { broker, identities } = this.#parts;
    const deviceIds = new Set<string>();
    const begin = (): Promise<void> | undefined => {
      this.#next = undefined;
      return broker()?.endSessions((identity) => deviceIds.has(identities.read(identity)?.deviceId ?? ''));
    };
    const done = this.#walking.then(begin);
    this.#walking = done.catch(() => {});
    return { deviceIds, done };
  }

  /** Ends the session of a client where it is of a device that had this id before. `generation`: of the one that has it now. */
  end(clientId: string, deviceId: string, generation: string): void {
    const { broker, identities } = this.#parts;
    broker()?.endSession(clientId, (identity) => {
      const owner = identities.read(identity);
      return owner?.deviceId === deviceId && owner.generation !== generation;
    });
  }

  /** Who had to go since its device was removed leaves no session either. */
  brokerEvent(event: BrokerEvent): void {
    if (event.name !== 'clientDisconnected' || event.check !== REMOVED) return;
    const { clientId, identity } = event;
    // The broker tells it while it ends the connection.
    this.#parts.clock.endOfTurn(() => this.#parts.broker()?.endSession(clientId, (owner) => owner === identity));
  }
}
