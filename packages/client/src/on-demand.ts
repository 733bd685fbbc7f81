/** Parts of the client that most never use: each is loaded when it is first used, and bundlers make a file of each. */

import { MqttError } from './errors.ts';

/**
 * Makes the call that gives a part. All who ask share one loading, and get it in the order in which they asked. Rejects
 * with `MqttError` 'not-loaded' where it cannot be loaded; the next call tries again.
 */
export function onDemand<Part>(load: () => Promise<Part>): () => Promise<Part> {
  let part: Promise<Part> | undefined;
  return () => {
    part ??= load().catch((cause) => {
      part = undefined;
      throw new MqttError('not-loaded', `Cannot load a part of the client: ${cause.message}`, { cause });
    });
    return part;
  };
}
