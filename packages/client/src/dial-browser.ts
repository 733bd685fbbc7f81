/** Wires in browsers and their workers: WebSocket is all they have. */

import { openWebSocket, type StandardWebSocket, subprotocolOf } from '@dunlin/transport/websocket-client';
import type { Dial } from './dial.ts';
import { MqttError } from './errors.ts';
import { webSocketUrl } from './server-url.ts';

/** Dials `ws:` and `wss:`. */
export const dialBrowser: Dial = async ({ url, tls, protocolVersion, signal }) => {
  const found = `Cannot connect to "${url.protocol}//${url.host}"`;
  if (url.protocol !== 'ws:' && url.protocol !== 'wss:') {
    throw new MqttError(
      'invalid',
      `${found}: a browser has WebSocket only, expected a URL such as wss://${url.hostname || 'host'}/mqtt`,
    );
  }
  if (tls !== undefined)
    throw new MqttError('invalid', `${found}: a browser has certificates of its own, not those of tls`);
  try {
    const socket = new WebSocket(webSocketUrl(url), subprotocolOf(protocolVersion));
    return await openWebSocket(socket as StandardWebSocket, { signal });
  } catch (cause) {
    if (signal.aborted) throw signal.reason;
    throw new MqttError('connection-failed', `${found}: ${(cause as Error).message}`, { cause });
  }
};
