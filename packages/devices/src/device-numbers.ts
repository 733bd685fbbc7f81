/** What the service says of itself under `$SYS`, beside what the broker says there: numbers, retained, where they changed. */
import type { Timer } from '@dunlin/broker';
import type { DeviceBroker, ServiceParts } from './ports.ts';

/** Below `$SYS/broker/devices/`. */
export const DEVICE_NUMBERS = {
  total: 'devices in the registry; not there until they are counted',
  connected: 'devices that are connected',
  'commands/pending': 'commands that have not ended',
  'certificates/expiring':
    'devices whose last certificate ends soon (`devices.authority.warnDays`), as of the last day',
  'certificates/expired': 'devices whose last certificate has ended in the last 30 days, as of the last day',
  'certificates/revoked': 'certificates that are revoked and have not expired',
} as const;

export type DeviceNumbers = Readonly<Record<keyof typeof DEVICE_NUMBERS, number | undefined>>;

/** Publishes what `numbers` returns every `intervalS`, 0: never. What is undefined is not published. */
export class DeviceNumbersTopics {
  readonly #parts: Pick<ServiceParts, 'tell'> & { readonly broker: DeviceBroker };
  readonly #numbers: () => DeviceNumbers;
  readonly #said = new Map<string, number>();
  readonly #timer: Timer | undefined;

  constructor(
    parts: ServiceParts & { readonly broker: DeviceBroker },
    intervalS: number,
    numbers: () => DeviceNumbers,
  ) {
    this.#parts = parts;
    this.#numbers = numbers;
    this.#timer = intervalS === 0 ? undefined : parts.clock.every(intervalS * 1_000, () => this.#say());
  }

  close(): void {
    this.#timer?.cancel();
  }

  #say(): void {
    for (const [name, value] of Object.entries(this.#numbers())) {
      if (value === undefined || this.#said.get(name) === value) continue;
      this.#said.set(name, value);
      this.#parts.broker
        .publish(`$SYS/broker/devices/${name}`, Buffer.from(String(value)), { retain: true })
        .catch((error: unknown) => {
          this.#said.delete(name);
          this.#parts.tell({ name: 'deviceServiceFailed', error: String(error) });
        });
    }
  }
}
