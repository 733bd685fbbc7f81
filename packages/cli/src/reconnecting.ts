/** Commands that outlive their connections, and say so in a line each. */

import type { ConnectOptions } from '@dunlin/client';

/** The longest wait between two attempts: somebody may be looking. */
const RECONNECT_MS_MAX = 30_000;

/** Options of a client that connects again; `tell` gets a line when a connection is lost and when there is one again. */
export function reconnecting(tell: (text: string) => void): Pick<ConnectOptions, 'reconnect'> & {
  readonly on: NonNullable<ConnectOptions['on']>;
} {
  let isAgain = false;
  return {
    reconnect: { maxMs: RECONNECT_MS_MAX },
    on: {
      reconnecting: ({ attempt, error }) => {
        if (attempt === 1) tell(`${error.message}; connecting again`);
      },
      connected: () => {
        if (isAgain) tell('Connected again');
        isAgain = true;
      },
    },
  };
}
