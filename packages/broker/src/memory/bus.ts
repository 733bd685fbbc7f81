/** The Bus of a broker that is alone: what it publishes comes back to itself, at once. */

import type { Message } from '../message.ts';
import type { Awaitable, Bus } from '../ports.ts';

/**
 * Joins a broker with nobody but itself.
 *
 * A message is handed over inside `publish`, which returns what the receiver said; before `receive` it returns false.
 * Interest is not kept, since the one broker asks its own router anyway.
 */
export class LoopbackBus implements Bus {
  #distribute: (message: Message) => Awaitable<boolean> = () => false;

  publish(message: Message): Awaitable<boolean> {
    return this.#distribute(message);
  }

  receive(distribute: (message: Message) => Awaitable<boolean>): void {
    this.#distribute = distribute;
  }

  subscribe(_filter: string): void {}

  unsubscribe(_filter: string): void {}
}
