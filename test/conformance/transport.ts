/** What carries the bytes of a run, and of WebSockets how they are cut into frames: chosen by the environment. */

export const TRANSPORTS = ['tcp', 'tls', 'ws', 'wss', 'unix', 'proxy'] as const;
/** `proxy` is TCP behind a proxy that begins each connection with a header of the PROXY protocol, version 2. */
export type Transport = (typeof TRANSPORTS)[number];

export const FRAMINGS = ['whole', 'split', 'joined'] as const;
/**
 * How a client over WebSocket cuts what it writes. `whole`: one write, one frame. `split`: two frames for each write, by
 * turns two messages and one message in two fragments. `joined`: all that is written within one turn is one frame.
 */
export type Framing = (typeof FRAMINGS)[number];

/** What the connections of this run go over. */
export const transport: Transport = chosen('DUNLIN_CONFORMANCE_TRANSPORT', TRANSPORTS);
export const framing: Framing = chosen('DUNLIN_CONFORMANCE_FRAMING', FRAMINGS);

function chosen<Choice extends string>(variable: string, choices: readonly Choice[]): Choice {
  const value = process.env[variable];
  if (value === undefined) return choices[0];
  const found = choices.find((choice) => choice === value);
  if (found === undefined)
    throw new Error(`Cannot run with ${variable}=${value}: one of ${choices.join(', ')} is expected.`);
  return found;
}
