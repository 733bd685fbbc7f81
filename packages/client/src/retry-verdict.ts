/** Which failures another attempt may mend, and where the server says that one should go. */

import type { MqttErrorCode } from './error-table.ts';
import { type MqttError, propertiesOf } from './errors.ts';

/** Refusals of CONNECT that stay as long as the client says the same. */
const LASTING: readonly number[] = [0x81, 0x82, 0x84, 0x85, 0x86, 0x87, 0x8a, 0x8c, 0x90, 0x95, 0x99, 0x9a, 0x9b];
/** Another client has the Client Identifier: coming back would throw it out, and so on. */
const TAKEN_OVER = 0x8e;
const BAD_CREDENTIALS: readonly number[] = [0x86, 0x87];
const OTHER_SERVER = 0x9c;
const SERVER_MOVED = 0x9d;

/**
 * What comes from outside and may pass: a server may be mended, and a message that it should not have sent may expire.
 * Every other code is a mistake here, or of a server that does not keep to the protocol.
 */
const PASSING: readonly MqttErrorCode[] = [
  'refused',
  'server-disconnected',
  'connection-failed',
  'connection-lost',
  'timed-out',
  'not-loaded',
  'tls',
  'malformed-packet',
  'packet-too-large',
];

/** Whether retrying may mend the failure. `isAskedAnew`: credentials come from functions, so the next may be better. */
export function mayRetry({ code, reasonCode = 0 }: MqttError, isAskedAnew: boolean): boolean {
  if (!PASSING.includes(code)) return false;
  if (code === 'server-disconnected') return reasonCode !== TAKEN_OVER;
  return code !== 'refused' || !LASTING.includes(reasonCode) || (isAskedAnew && BAD_CREDENTIALS.includes(reasonCode));
}

/**
 * Where a server that sends its client away says to go: the first of its references as the URL before with another host,
 * so that the scheme, and with it TLS, stays. Undefined where it names none that can be.
 */
export function referredTo({ reasonCode, packet }: MqttError, url: URL): { url: URL; isForGood: boolean } | undefined {
  if (reasonCode !== OTHER_SERVER && reasonCode !== SERVER_MOVED) return undefined;
  const host = propertiesOf(packet).serverReference?.split(' ', 1)[0] ?? '';
  // Nothing but a name or address and a port: no user, path or query.
  if (!/^(?:[\w.-]+|\[[\da-f:.]+\])(?::[1-9]\d*)?$/i.test(host)) return undefined;
  // What no URL can hold would be left out without a word; that of a Unix socket has no host.
  if (url.host === '' || !URL.canParse(`http://${host}`)) return undefined;
  const referred = new URL(url);
  referred.port = '';
  referred.host = host;
  return { url: referred, isForGood: reasonCode === SERVER_MOVED };
}
