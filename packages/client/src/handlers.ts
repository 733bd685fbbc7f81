/** Calls handlers of messages, whose promises the acknowledgement waits for. */

import type { Delivery } from './delivery.ts';
import { surface } from './events.ts';
import type { MessageHandler } from './options.ts';
import type { ReceivedMessage } from './received-message.ts';

/** What a handler throws or rejects with surfaces as an uncaught error; the message counts as handled. */
export function callHandler(handler: MessageHandler, message: ReceivedMessage, delivery: Delivery | undefined): void {
  try {
    const handled = handler(message) as PromiseLike<unknown> | undefined;
    if (typeof handled?.then !== 'function') return;
    delivery?.hold();
    handled.then(
      () => delivery?.release(),
      (error) => {
        delivery?.release();
        surface(error);
      },
    );
  } catch (error) {
    surface(error);
  }
}
