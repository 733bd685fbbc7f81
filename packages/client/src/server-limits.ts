/** What the server said in CONNACK that it takes, and the check of what we are about to send (section 3.2.2.3). */

import {
  type ConnackPacket,
  type ConnectPacket,
  PACKET_BYTES_MAXIMUM,
  type Properties,
  type ProtocolVersion,
  type QoS,
  type SubscriptionRequest,
} from '@dunlin/protocol';
import { MqttError } from './errors.ts';

/** The server's capabilities on one connection. */
export interface ServerLimits {
  /** QoS 1 and 2 messages open at once, 1 to 65535. */
  readonly receiveMaximum: number;
  readonly maximumQoS: QoS;
  readonly retainAvailable: boolean;
  /** Bytes of one packet. */
  readonly maximumPacketSize: number;
  readonly topicAliasMaximum: number;
  readonly wildcardSubscriptionAvailable: boolean;
  readonly subscriptionIdentifierAvailable: boolean;
  readonly sharedSubscriptionAvailable: boolean;
}

/** MQTT 3.x has no Receive Maximum; so many open messages every server takes. */
const RECEIVE_MAXIMUM_BEFORE_5 = 65_535;

/** The limits that a CONNACK sets; what it does not name has the standard's default. */
export function limitsOf({ properties }: ConnackPacket): ServerLimits {
  return {
    receiveMaximum: properties.receiveMaximum ?? RECEIVE_MAXIMUM_BEFORE_5,
    maximumQoS: properties.maximumQoS ?? 2,
    retainAvailable: properties.retainAvailable !== 0,
    maximumPacketSize: properties.maximumPacketSize ?? PACKET_BYTES_MAXIMUM,
    topicAliasMaximum: properties.topicAliasMaximum ?? 0,
    wildcardSubscriptionAvailable: properties.wildcardSubscriptionAvailable !== 0,
    subscriptionIdentifierAvailable: properties.subscriptionIdentifierAvailable !== 0,
    sharedSubscriptionAvailable: properties.sharedSubscriptionAvailable !== 0,
  };
}

/** Refuses a publish that the server would answer by closing. Throws `not-supported` or `invalid`. */
export function checkPublish(
  limits: ServerLimits,
  version: ProtocolVersion,
  message: { readonly topic: string; readonly qos: QoS; readonly retain: boolean; readonly properties: Properties },
): void {
  const attempt = `Cannot publish to "${message.topic}"`;
  checkVersion(attempt, version, message.properties);
  if (message.qos > limits.maximumQoS) {
    const found = `QoS ${message.qos}, the server's Maximum QoS is ${limits.maximumQoS} [MQTT-3.2.2-11]`;
    throw notSupported(`${attempt}: ${found}`, 0x9b);
  }
  if (message.retain && !limits.retainAvailable) {
    throw notSupported(`${attempt}: the server does not retain messages [MQTT-3.2.2-14]`, 0x9a);
  }
  if (message.properties.subscriptionIdentifiers !== undefined) {
    throw new MqttError('invalid', `${attempt}: only a server may send a Subscription Identifier [MQTT-3.3.4-6]`);
  }
  const { topicAlias } = message.properties;
  if (topicAlias === undefined || (topicAlias >= 1 && topicAlias <= limits.topicAliasMaximum)) return;
  const { topicAliasMaximum } = limits;
  const found = `Topic Alias ${topicAlias}, the server's Maximum is ${topicAliasMaximum} [MQTT-3.2.2-17, 3.2.2-18]`;
  throw notSupported(`${attempt}: ${found}`, 0x94);
}

/** Refuses a subscription that the server would answer by closing. Throws `not-supported`. */
export function checkSubscription(
  limits: ServerLimits,
  version: ProtocolVersion,
  request: SubscriptionRequest,
  properties: Properties,
): void {
  const attempt = `Cannot subscribe to "${request.filter}"`;
  checkVersion(attempt, version, properties);
  if (version !== 5 && (request.noLocal || request.retainAsPublished || request.retainHandling !== 0)) {
    throw notSupported(`${attempt}: No Local, Retain As Published and Retain Handling need MQTT 5.0`);
  }
  const isShared = request.filter.startsWith('$share/');
  if (isShared && !limits.sharedSubscriptionAvailable) {
    throw notSupported(`${attempt}: the server has no Shared Subscriptions (3.2.2.3.13)`, 0x9e);
  }
  if (/[+#]/.test(request.filter) && !limits.wildcardSubscriptionAvailable) {
    throw notSupported(`${attempt}: the server has no Wildcard Subscriptions (3.2.2.3.11)`, 0xa2);
  }
  if (properties.subscriptionIdentifiers !== undefined && !limits.subscriptionIdentifierAvailable) {
    throw notSupported(`${attempt}: the server has no Subscription Identifiers (3.2.2.3.12)`, 0xa1);
  }
}

/** Refuses properties before MQTT 5.0, where they would be lost without a word. Throws `not-supported`. */
export function checkVersion(attempt: string, version: ProtocolVersion, properties: Properties): void {
  if (version === 5 || Object.keys(properties).length === 0) return;
  const names = Object.keys(properties).join(', ');
  throw notSupported(`${attempt}: properties (${names}) need MQTT 5.0`);
}

/** Refuses what DISCONNECT may not say. Throws `invalid` or `not-supported`. */
export function checkDisconnect(connect: ConnectPacket, properties: Properties): void {
  checkVersion('Cannot disconnect', connect.protocolVersion, properties);
  if ((connect.properties.sessionExpiryInterval ?? 0) > 0 || !properties.sessionExpiryInterval) return;
  const message = 'Cannot disconnect with a Session Expiry Interval: CONNECT had 0 or none (3.14.2.2.2)';
  throw new MqttError('invalid', message);
}

function notSupported(message: string, reasonCode?: number): MqttError {
  return new MqttError('not-supported', message, { reasonCode });
}
