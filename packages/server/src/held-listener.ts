/** A listener that several may hold: it accepts while nobody does. */
import type { Listener } from '@dunlin/transport';

/** What a holder has in place of the listener. */
export type Hold = Pick<Listener, 'pause' | 'resume'>;

/** Makes holds on a listener, one for each who pauses it for reasons of their own. */
export function holdsOn(listener: Pick<Listener, 'pause' | 'resume'>): () => Hold {
  const holding = new Set<object>();
  return () => {
    const hold: Hold = {
      pause() {
        holding.add(hold);
        listener.pause();
      },
      resume() {
        if (holding.delete(hold) && holding.size === 0) listener.resume();
      },
    };
    return hold;
  };
}
