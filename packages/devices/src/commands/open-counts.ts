/** How many commands have not ended: of each device, and in all. Numbers alone; the commands stay in the table. */

export class OpenCounts {
  readonly #devices = new Map<string, number>();
  #total = 0;

  get total(): number {
    return this.#total;
  }

  of(deviceId: string): number {
    return this.#devices.get(deviceId) ?? 0;
  }

  add(deviceId: string): void {
    this.#devices.set(deviceId, this.of(deviceId) + 1);
    this.#total += 1;
  }

  remove(deviceId: string): void {
    const left = this.of(deviceId) - 1;
    if (left < 0) throw new Error(`Cannot count: ${deviceId} has no command that could end`);
    if (left === 0) this.#devices.delete(deviceId);
    else this.#devices.set(deviceId, left);
    this.#total -= 1;
  }
}
