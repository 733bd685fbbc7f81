/** One question to the server whether it lives. */

import { type Client, MqttError } from '@dunlin/client';

/** Sends PINGREQ; settles with the next PINGRESP, rejects where the connection ends before, or `timeoutMs` is over. */
export function pinged(client: Client, timeoutMs = 10_000): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  if (client.state !== 'connected') reject(new MqttError('closed', 'Cannot ping: there is no connection'));
  const late = (): void => reject(new MqttError('timed-out', `Cannot ping: no PINGRESP came within ${timeoutMs} ms`));
  const timer = setTimeout(late, timeoutMs);
  const removals = [
    client.on('packetReceived', ({ type }) => {
      if (type === 'pingresp') resolve();
    }),
    client.on('state', (_, reason) => reject(reason?.error ?? new MqttError('closed', 'Cannot ping: disconnected'))),
  ];
  client.ping();
  return promise.finally(() => {
    clearTimeout(timer);
    for (const remove of removals) remove();
  });
}
