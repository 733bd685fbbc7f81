/** How many devices there are: counted once, a few at a time beside everything else, and kept by what is added and removed. */
import type { Clock, Timer } from '@dunlin/broker';
import type { DeviceEvent } from '../events.ts';
import type { Registry } from './registry.ts';

/** A million devices are counted in seven minutes, with a tenth of the time of one thread. */
const PAGE = 250;
const PAUSE_MS = 100;

export class DeviceCount {
  readonly #registry: Pick<Registry, 'list'>;
  readonly #timer: Timer;
  #count = 0;
  /** Devices up to this id are counted; undefined: all. */
  #upTo: string | undefined = '';
  #cursor: string | undefined;
  #isReading = false;

  /** `failed`: told of a page that could not be read, and is read again. */
  constructor(clock: Clock, registry: Pick<Registry, 'list'>, failed: (error: unknown) => void) {
    this.#registry = registry;
    this.#timer = clock.every(PAUSE_MS, () => {
      if (!this.#isReading) this.#next().catch(failed);
    });
  }

  /** Undefined until all are counted. */
  get total(): number | undefined {
    return this.#upTo === undefined ? this.#count : undefined;
  }

  /** Has to be told of every device that is added or removed. */
  told(event: DeviceEvent): void {
    if (event.name !== 'deviceAdded' && event.name !== 'deviceRemoved') return;
    // What lies ahead is counted there.
    if (this.#upTo !== undefined && Buffer.compare(Buffer.from(event.deviceId), Buffer.from(this.#upTo)) > 0) return;
    this.#count += event.name === 'deviceAdded' ? 1 : -1;
  }

  close(): void {
    this.#timer.cancel();
  }

  async #next(): Promise<void> {
    this.#isReading = true;
    try {
      const cursor = this.#cursor;
      const page = await this.#registry.list({ limit: PAGE, ...(cursor !== undefined && { cursor }) });
      this.#count += page.devices.length;
      this.#cursor = page.cursor;
      this.#upTo = page.cursor === undefined ? undefined : (page.devices.at(-1)?.device.id ?? this.#upTo);
      if (this.#upTo === undefined) this.#timer.cancel();
    } finally {
      this.#isReading = false;
    }
  }
}
