/**
 * Why devices were refused lately, for `why`: from the method that lets them in, and from events of the broker. In memory and
 * bounded: a device that tries again and again with the same fault has one entry with a count, and names that nobody has
 * cannot push out those of devices.
 */
import { type BrokerEvent, type Clock, withoutSecrets } from '@dunlin/broker';
import { BoundedMap } from '@dunlin/identity';
import { hexadecimal, quoted } from '@dunlin/protocol';
import { isDeviceId } from '../registry/device-id.ts';
import type { RefusedDevice } from './device-method.ts';

/** A refusal, with those that were like it. */
export interface RefusalRecord {
  /** The check that failed; `publish`, `subscribe` and `will` for what a connected device may not do. */
  readonly check: string;
  /** What was found and what is expected; undefined where nothing more is known. */
  readonly detail: string | undefined;
  readonly clientId: string;
  /** Of the last; undefined where the event does not say. */
  readonly address: string | undefined;
  readonly listener: string | undefined;
  /** Wall clock. */
  readonly firstAtMs: number;
  readonly lastAtMs: number;
  readonly count: number;
}

interface KeptRecord extends RefusalRecord {
  /** Noted by the method, so that the event of the same refusal is not another one. */
  readonly isByMethod: boolean;
}

type Said = Pick<RefusalRecord, 'check' | 'detail' | 'clientId' | 'address' | 'listener'>;

export const REFUSALS_MAX = 10;
const DEVICES_MAX = 10_000;
const STRANGERS_MAX = 1_000;
const TEXT_CHARACTERS_MAX = 500;
const NAME_CHARACTERS_MAX = 256;

export class RefusalLog {
  readonly #clock: Clock;
  readonly #isLive: (deviceId: string) => boolean;
  readonly #devices = new BoundedMap<readonly KeptRecord[]>(DEVICES_MAX);
  /** Of names that no device has, as far as is known. */
  readonly #strangers = new BoundedMap<readonly KeptRecord[]>(STRANGERS_MAX);

  /** `isLive`: whether somebody was let in as this device lately (`LiveDevices.has`). */
  constructor(clock: Clock, isLive: (deviceId: string) => boolean) {
    this.#clock = clock;
    this.#isLive = isLive;
  }

  /** The newest first, at most 10. */
  of(deviceId: string): readonly RefusalRecord[] {
    const kept = [...(this.#devices.get(deviceId) ?? []), ...(this.#strangers.get(deviceId) ?? [])];
    return kept
      .sort((one, other) => other.lastAtMs - one.lastAtMs)
      .slice(0, REFUSALS_MAX)
      .map(({ isByMethod, ...record }) => record);
  }

  /** `DeviceMethodParts.onRefused`. */
  refused({ deviceId, isKnown, clientId, address, listener, refusal: { check, detail } }: RefusedDevice): void {
    const said = { check, detail, clientId, address, listener };
    this.#note(isKnown ? this.#devices : this.#strangers, deviceId, said, true);
  }

  /** Takes what concerns devices, of all events of the broker. */
  brokerEvent(event: BrokerEvent): void {
    switch (event.name) {
      case 'connectRefused':
        // The method said more of who proved to be nobody.
        if (event.check !== 'unknown-user') this.#noteEvent(event.username, event);
        return;
      case 'publishRefused':
        this.#noteDenied(event.username, 'publish', event.topic, event);
        return;
      case 'subscriptionRefused':
        this.#noteDenied(event.username, 'subscribe', event.filter, event);
        return;
      case 'willRefused':
        this.#noteDenied(event.username, 'will', event.topic, event);
        return;
      default:
    }
  }

  #noteEvent(deviceId: string | undefined, { check, detail, clientId, address, listener }: Said): void {
    if (deviceId === undefined) return;
    const isKnown = this.#isLive(deviceId) || this.#devices.get(deviceId) !== undefined;
    const records = isKnown ? this.#devices : this.#strangers;
    const newest = (this.#devices.get(deviceId) ?? this.#strangers.get(deviceId))?.[0];
    const said = { check, detail, clientId, address, listener };
    if (newest?.isByMethod === true && isSame(newest, cut(said))) return;
    this.#note(records, deviceId, said, false);
  }

  /** Only of devices that are connected: what others may not do is no concern of theirs. */
  #noteDenied(
    deviceId: string | undefined,
    check: string,
    topic: string,
    { clientId, reasonCode, rule }: { clientId: string; reasonCode: number; rule: string | undefined },
  ): void {
    if (deviceId === undefined || !this.#isLive(deviceId)) return;
    const why = rule ?? 'no rule of its type allows it';
    const detail = `${quoted(topic)} was refused with ${hexadecimal(reasonCode)}: ${why}`;
    const said = { check, detail, clientId, address: undefined, listener: undefined };
    this.#note(this.#devices, deviceId, said, false);
  }

  #note(records: BoundedMap<readonly KeptRecord[]>, deviceId: string, said: Said, isByMethod: boolean): void {
    if (!isDeviceId(deviceId)) return;
    const kept = records.get(deviceId) ?? [];
    const short = cut(said);
    const former = kept.find((record) => isSame(record, short));
    const nowMs = this.#clock.nowMs();
    const record: KeptRecord = {
      ...short,
      firstAtMs: former?.firstAtMs ?? nowMs,
      lastAtMs: nowMs,
      count: (former?.count ?? 0) + 1,
      isByMethod,
    };
    records.set(deviceId, [record, ...kept.filter((one) => one !== former)].slice(0, REFUSALS_MAX));
  }
}

function isSame(one: Said, other: Said): boolean {
  return one.check === other.check && one.detail === other.detail && one.clientId === other.clientId;
}

/** What comes from clients is as long as they like, and may be a secret in the wrong place. */
function cut({ check, detail, clientId, address, listener }: Said): Said {
  return {
    check: check.slice(0, NAME_CHARACTERS_MAX),
    detail: detail && withoutSecrets(detail).slice(0, TEXT_CHARACTERS_MAX),
    clientId: withoutSecrets(clientId).slice(0, NAME_CHARACTERS_MAX),
    address,
    listener,
  };
}
