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
  readonly broker: () => Pick<DeviceBroker, 'endSession'> | undefined;
}

export class FormerSessions {
  readonly #parts: FormerSessionsParts;

  constructor(parts: FormerSessionsParts) {
    this.#parts = parts;
  }

  /**
   * Ends the session of a client where it is of a device that had this id before. `generation`: of the one that has it now;
   * undefined: nobody has.
   */
  end(clientId: string, deviceId: string, generation: string | undefined): void {
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
