/** Wires in browsers and their workers: WebSocket is all they have. */

import { BrowserWire, type PageWebSocket } from './browser-wire.ts';
import type { Dial } from './dial.ts';
import { MqttError } from './errors.ts';
import { subprotocolOf, webSocketUrl } from './server-url.ts';

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
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(webSocketUrl(url), subprotocolOf(protocolVersion)) as PageWebSocket;
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => resolve(new BrowserWire(socket));
    // A browser does not tell a page why.
    socket.onclose = () => reject(new MqttError('connection-failed', `${found}: no WebSocket came about`));
    signal.addEventListener('abort', () => socket.close());
  });
};
