/** Packet Identifiers of what this client sends and waits for an answer to (section 2.2.1). */

/**
 * Makes the call that gives the next Packet Identifier which nothing open has, 1 to 65535 and around again
 * [MQTT-2.2.1-3]. What may be open has bounds that leave one free.
 */
export function packetIdentifiers(...open: readonly ReadonlyMap<number, unknown>[]): () => number {
  let latest = 0;
  return () => {
    do latest = (latest % 65_535) + 1;
    while (open.some((packets) => packets.has(latest)));
    return latest;
  };
}
