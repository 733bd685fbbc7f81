/** Just-in-time registration: a device that comes with a good certificate of a foreign authority is added as it comes. */
import type { CertificateFacts, Refusal } from '@dunlin/broker';
import { quoted } from '@dunlin/protocol';
import { actingAs } from '../actor.ts';
import { unacceptedCertificate } from '../credentials/device-checks.ts';
import { DeviceError } from '../device-error.ts';
import type { ServiceParts } from '../ports.ts';
import type { RegisteredDevice, Registry } from '../registry/registry.ts';
import type { RemovedId, RemovedIds } from '../registry/removed-ids.ts';

/** Devices of an authority become devices of a type. */
export interface RegistrationRule {
  /** Name of the authority in the configuration. */
  readonly authority: string;
  readonly type: string;
}

export interface RegistrationSettings {
  /** Devices of one authority that are added in a minute. */
  readonly perMinuteMax: number;
}

export const REGISTRATION_DEFAULTS: RegistrationSettings = { perMinuteMax: 600 };

const MINUTE_MS = 60_000;

/** For operators; the client learns no more than where there never was such a device. */
function wasRemoved(deviceId: string, { removedAtMs }: RemovedId): Refusal {
  const when = new Date(removedAtMs).toISOString();
  const detail = `the device ${quoted(deviceId)} was removed at ${when}: one that somebody registers anew is expected`;
  return unacceptedCertificate('unknown-device', detail);
}

interface Minute {
  readonly beganAtMs: number;
  /** Devices that were added, and those that are being added. */
  added: number;
  isTold: boolean;
}

export class Registration {
  readonly #parts: ServiceParts;
  readonly #registry: Registry;
  readonly #removed: Pick<RemovedIds, 'get'> | undefined;
  readonly #types: ReadonlyMap<string, string>;
  readonly #settings: RegistrationSettings;
  readonly #minutes = new Map<string, Minute>();

  /**
   * `ownAuthority`: of the service itself, which says of its devices who they are before it certifies them; a rule for it
   * would bring back whoever was removed. Throws `TypeError` for such a rule. `removed`: undefined where there is no rule.
   */
  constructor(
    parts: ServiceParts,
    registry: Registry,
    rules: readonly RegistrationRule[],
    ownAuthority: string | undefined,
    removed: Pick<RemovedIds, 'get'> | undefined,
    settings: Partial<RegistrationSettings> = {},
  ) {
    if (rules.some(({ authority }) => authority === ownAuthority))
      throw new TypeError(
        `Cannot register the devices of "${ownAuthority}" as they come: it is the authority of the service itself; a foreign one is expected`,
      );
    this.#parts = parts;
    this.#registry = registry;
    this.#removed = removed;
    this.#types = new Map(rules.map(({ authority, type }) => [authority, type]));
    this.#settings = { ...REGISTRATION_DEFAULTS, ...settings };
  }

  /**
   * The device that is made of a certificate, which was found good under its authority, or the one that is there already.
   * Undefined where no rule is for the authority, the minute is full, or the name can be none of a device of the type; a refusal
   * where a device of this id was removed.
   */
  async register(deviceId: string, { authority }: CertificateFacts): Promise<RegisteredDevice | Refusal | undefined> {
    const type = this.#types.get(authority);
    if (type === undefined) return undefined;
    // At once where the table answers at once: nobody is removed, and the id free, between this and the registration.
    const found = this.#removed?.get(deviceId);
    const removed = found instanceof Promise ? await found : found;
    return removed === undefined ? this.#add(deviceId, authority, type) : wasRemoved(deviceId, removed);
  }

  async #add(deviceId: string, authority: string, type: string): Promise<RegisteredDevice | undefined> {
    const minute = this.#minute(authority);
    if (!this.#hasRoom(minute, authority, deviceId)) return undefined;
    minute.added += 1;
    try {
      const actor = { by: `device:${deviceId}`, proof: `certificate of ${authority}` };
      const registered = await actingAs(actor, () =>
        this.#registry.add({ id: deviceId, type, authority }, `registration of ${authority}`),
      );
      this.#parts.tell({ name: 'deviceRegistered', deviceId, type, authority });
      return registered;
    } catch (error) {
      minute.added -= 1;
      if (!(error instanceof DeviceError)) throw error;
      // Two connections at once, or a name that fits no device.
      return error.code === 'device-exists' ? this.#registry.get(deviceId) : undefined;
    }
  }

  #minute(authority: string): Minute {
    const nowMs = this.#parts.clock.steadyMs();
    const minute = this.#minutes.get(authority);
    if (minute !== undefined && nowMs - minute.beganAtMs < MINUTE_MS) return minute;
    const next = { beganAtMs: nowMs, added: 0, isTold: false };
    this.#minutes.set(authority, next);
    return next;
  }

  #hasRoom(minute: Minute, authority: string, deviceId: string): boolean {
    const { perMinuteMax } = this.#settings;
    if (minute.added < perMinuteMax) return true;
    // Told once a minute: who makes certificates by the thousand must not fill the log.
    if (minute.isTold) return false;
    minute.isTold = true;
    this.#parts.tell({
      name: 'deviceLimitReached',
      limit: 'registrationsPerMinuteMax',
      deviceId,
      detail: `${perMinuteMax} devices of ${authority} were added within a minute`,
    });
    return false;
  }
}
