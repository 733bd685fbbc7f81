/** What the transports take from the URL of a server. */

import { MqttError } from './errors.ts';

/** The path where servers have their WebSocket by custom; a URL without one means it. */
const WEBSOCKET_PATH = '/mqtt';

/** The scheme without its colon. */
export function schemeOf(url: URL): string {
  return url.protocol.slice(0, -1);
}

/** The host without the brackets of IPv6. Throws 'invalid' where there is none. */
export function hostOf(url: URL): string {
  if (url.hostname === '') {
    throw new MqttError(
      'invalid',
      `Cannot connect by ${url.protocol}: it has no host, expected such as mqtt://localhost`,
    );
  }
  return url.hostname.replace(/^\[|\]$/g, '');
}

/** What a WebSocket is opened by: without user, password and fragment, at `/mqtt` where no path is said. */
export function webSocketUrl(url: URL): string {
  const { protocol, host, pathname, search } = url;
  return `${protocol}//${host}${pathname === '/' ? WEBSOCKET_PATH : pathname}${search}`;
}

/** The subprotocol that a client offers for a protocol level: `mqttv3.1` for 3, `mqtt` for all others [MQTT-6.0.0-3]. */
export function subprotocolOf(protocolLevel: number): string {
  return protocolLevel === 3 ? 'mqttv3.1' : 'mqtt';
}
