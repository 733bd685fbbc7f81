/** Where the living records of an outbox stand in its file; changes can be taken back until they are durable. */
import type { OutboxProgress } from './outbox-operations.ts';

/** The put of a record in the file, and how far its exchange has come since. */
export interface IndexEntry extends OutboxProgress {
  readonly at: number;
  readonly length: number;
}

/** A state of the index to go back to. */
export interface IndexPoint {
  readonly clientId: string | undefined;
  readonly changes: number;
}

export class OutboxIndex {
  clientId: string | undefined;
  #livingBytes = 0;
  #entries = new Map<number, IndexEntry>();
  /** The former entries of what has changed since `settle`, in the order of the changes. */
  #undo: (readonly [sequence: number, former: IndexEntry | undefined])[] = [];

  /** The sum of the lengths of all entries. */
  get livingBytes(): number {
    return this.#livingBytes;
  }

  get(sequence: number): IndexEntry | undefined {
    return this.#entries.get(sequence);
  }

  /** Puts or, with undefined, removes an entry. */
  set(sequence: number, entry: IndexEntry | undefined): void {
    this.#undo.push([sequence, this.#replace(sequence, entry)]);
  }

  /** The state of now; valid until `settle`. */
  point(): IndexPoint {
    return { clientId: this.clientId, changes: this.#undo.length };
  }

  rollBack({ clientId, changes }: IndexPoint): void {
    this.clientId = clientId;
    while (this.#undo.length > changes) {
      const [sequence, former] = this.#undo.pop() as [number, IndexEntry | undefined];
      this.#replace(sequence, former);
    }
  }

  /** What has changed can no longer be taken back. */
  settle(): void {
    this.#undo = [];
  }

  #replace(sequence: number, entry: IndexEntry | undefined): IndexEntry | undefined {
    const former = this.#entries.get(sequence);
    this.#livingBytes += (entry?.length ?? 0) - (former?.length ?? 0);
    if (entry === undefined) this.#entries.delete(sequence);
    else this.#entries.set(sequence, entry);
    return former;
  }
}
