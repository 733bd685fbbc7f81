/**
 * What follows the removal of a device. That it is removed is written first, as a state of its record; what belonged to it is
 * cleared away then, and the record last. So a crash in between leaves a record that says what is still to be done, which is
 * done on the next start, and the id is free when nothing is left that another device could come by.
 */
import type { Clock, Timer } from '@dunlin/broker';
import { actingForService } from '../actor.ts';
import type { DeviceEvent } from '../events.ts';
import { Turns } from '../turns.ts';

/**
 * Clears away what belonged to a device that was removed. Settles when that survives a crash; a second time there is nothing
 * to do. What rejects is tried again.
 */
export type RemovalStep = (deviceId: string) => Promise<unknown>;

export interface RemovalsParts {
  readonly clock: Clock;
  readonly tell: (event: DeviceEvent) => void;
  /** A page of devices whose removal is not finished. */
  readonly unfinished: (cursor: string | undefined) => Promise<RemovalPage>;
  /** The id is free from then on, when it settles. */
  readonly free: (deviceId: string) => Promise<void>;
}

export interface RemovalPage {
  readonly deviceIds: readonly string[];
  readonly cursor: string | undefined;
}

/** How long somebody who removes a device waits for what follows. */
const WAIT_MS_MAX = 5_000;
/** When steps that failed are tried again. */
const RETRY_MS = 5_000;

export class Removals {
  readonly #parts: RemovalsParts;
  readonly #steps = new Set<RemovalStep>();
  /** By device. */
  readonly #underWay = new Turns();
  #timer: Timer | undefined;
  #hasFailed = false;
  #isClosed = false;

  constructor(parts: RemovalsParts) {
    this.#parts = parts;
  }

  /** Has the step done for every device that is removed, until the function that it returns is called. */
  add(step: RemovalStep): () => void {
    this.#steps.add(step);
    return () => this.#steps.delete(step);
  }

  /** Does what follows the removal. Settles when it is finished, has failed or takes long: it goes on by itself then. */
  async follow(deviceId: string): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = this.#parts.clock.every(WAIT_MS_MAX, resolve);
    await Promise.race([late, this.#finish(deviceId)]);
    timer.cancel();
  }

  /** Finishes what a crash has left unfinished. Settles when each was tried. */
  async resume(): Promise<void> {
    const devices = await this.#finishAll();
    if (devices > 0) this.#parts.tell({ name: 'removalsResumed', devices });
  }

  /** Settles when none is under way. */
  idle(): Promise<void> {
    return this.#underWay.idle();
  }

  /** No id gets free any more, since steps end next. What is under way is not waited for: the next start finishes it. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  async #finishAll(): Promise<number> {
    this.#hasFailed = false;
    let devices = 0;
    let cursor: string | undefined;
    try {
      do {
        const page = await this.#parts.unfinished(cursor);
        devices += page.deviceIds.length;
        await Promise.all(page.deviceIds.map((deviceId) => this.#finish(deviceId)));
        cursor = page.cursor;
      } while (cursor !== undefined && !this.#isClosed);
    } catch (error) {
      this.#failed(error);
    }
    return devices;
  }

  #finish(deviceId: string): Promise<unknown> {
    return this.#underWay.join(deviceId, () =>
      actingForService(() => this.#clear(deviceId)).catch((error: unknown) => this.#failed(error)),
    );
  }

  async #clear(deviceId: string): Promise<void> {
    if (this.#isClosed) return;
    // Each is tried, whatever becomes of the others.
    const steps = await Promise.allSettled(Array.from(this.#steps, (step) => step(deviceId)));
    const failed = steps.find((step) => step.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    if (this.#isClosed) return;
    await this.#parts.free(deviceId);
    this.#parts.tell({ name: 'deviceErased', deviceId });
  }

  #failed(error: unknown): void {
    // Tables refuse what is under way when they close.
    if (this.#isClosed) return;
    this.#hasFailed = true;
    this.#timer ??= this.#parts.clock.every(RETRY_MS, () => {
      if (this.#hasFailed) void this.#finishAll();
    });
    this.#parts.tell({ name: 'deviceServiceFailed', error: String(error) });
  }
}
