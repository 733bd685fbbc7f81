/** One after the other for each device: what reads several records and then decides. */

export class DeviceTurns {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Runs `work` when everything that was asked for before about this device has ended; settles as it does. */
  run<T>(deviceId: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(deviceId) ?? Promise.resolve();
    const mine = before.then(work, work);
    this.#last.set(deviceId, mine);
    const done = () => {
      if (this.#last.get(deviceId) === mine) this.#last.delete(deviceId);
    };
    mine.then(done, done);
    return mine;
  }

  /** Devices about which something is under way. */
  get size(): number {
    return this.#last.size;
  }
}
