/** Just-in-time registration: a device that comes with a good certificate of a foreign authority is added as it comes. */
import type { CertificateFacts } from '@dunlin/broker';
import { actingAs } from '../audit/actor.ts';
import { DeviceError } from '../device-error.ts';
import type { ServiceParts } from '../ports.ts';
import type { RegisteredDevice, Registry } from '../registry/registry.ts';

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

interface Minute {
  readonly beganAtMs: number;
  added: number;
}

export class Registration {
  readonly #parts: ServiceParts;
  readonly #registry: Registry;
  readonly #types: ReadonlyMap<string, string>;
  readonly #settings: RegistrationSettings;
  readonly #minutes = new Map<string, Minute>();

  /**
   * `ownAuthority`: of the service itself, which says of its devices who they are before it certifies them; a rule for it
   * would bring back whoever was removed. Throws `TypeError` for such a rule.
   */
  constructor(
    parts: ServiceParts,
    registry: Registry,
    rules: readonly RegistrationRule[],
    ownAuthority: string | undefined,
    settings: Partial<RegistrationSettings> = {},
  ) {
    if (rules.some(({ authority }) => authority === ownAuthority))
      throw new TypeError(
        `Cannot register the devices of "${ownAuthority}" as they come: it is the authority of the service itself; a foreign one is expected`,
      );
    this.#parts = parts;
    this.#registry = registry;
    this.#types = new Map(rules.map(({ authority, type }) => [authority, type]));
    this.#settings = { ...REGISTRATION_DEFAULTS, ...settings };
  }

  /**
   * The device that is made of a certificate, which was found good under its authority, or the one that is there already.
   * Undefined where no rule is for the authority, the minute is full, or the name can be none of a device of the type.
   */
  async register(deviceId: string, facts: CertificateFacts): Promise<RegisteredDevice | undefined> {
    const { authority } = facts;
    const type = this.#types.get(authority);
    if (type === undefined || !this.#hasRoom(authority, deviceId)) return undefined;
    try {
      const actor = { by: `device:${deviceId}`, proof: `certificate of ${authority}` };
      const registered = await actingAs(actor, () =>
        this.#registry.add({ id: deviceId, type, authority }, `registration of ${authority}`),
      );
      this.#parts.tell({ name: 'deviceRegistered', deviceId, type, authority });
      return registered;
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      // Two connections at once, or a name that fits no device.
      return error.code === 'device-exists' ? this.#registry.get(deviceId) : undefined;
    }
  }

  #hasRoom(authority: string, deviceId: string): boolean {
    const nowMs = this.#parts.clock.steadyMs();
    let minute = this.#minutes.get(authority);
    if (minute === undefined || nowMs - minute.beganAtMs >= MINUTE_MS) {
      minute = { beganAtMs: nowMs, added: 0 };
      this.#minutes.set(authority, minute);
    }
    minute.added += 1;
    const { perMinuteMax } = this.#settings;
    // Told once a minute: who makes certificates by the thousand must not fill the log.
    if (minute.added === perMinuteMax + 1)
      this.#parts.tell({
        name: 'deviceLimitReached',
        limit: 'registrationsPerMinuteMax',
        deviceId,
        detail: `${perMinuteMax} devices of ${authority} were added within a minute`,
      });
    return minute.added <= perMinuteMax;
  }
}
