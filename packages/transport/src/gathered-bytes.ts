/** What has come of something that is read as a whole, at the cost of its bytes however many chunks they come in. */

const ROOM_MIN = 256;

export class GatheredBytes {
  #room: Buffer = Buffer.alloc(0);
  #length = 0;

  /** Takes a chunk, which it may keep, and returns all that came so far: a view until the next one. */
  add(chunk: Buffer): Buffer {
    if (this.#length === 0) {
      this.#room = chunk;
      this.#length = chunk.length;
      return chunk;
    }
    const length = this.#length + chunk.length;
    if (length > this.#room.length) {
      const room = Buffer.allocUnsafeSlow(Math.max(length, 2 * this.#room.length, ROOM_MIN));
      this.#room.copy(room, 0, 0, this.#length);
      this.#room = room;
    }
    chunk.copy(this.#room, this.#length);
    this.#length = length;
    return this.#room.subarray(0, length);
  }
}
