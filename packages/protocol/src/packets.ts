/** The fifteen control packets of MQTT 3.1, 3.1.1 and 5.0 as plain objects (section 2.1.2). */

/** 3: MQTT 3.1 (`MQIsdp`), 4: MQTT 3.1.1, 5: MQTT 5.0. The value of the Protocol Level byte. */
export type ProtocolVersion = 3 | 4 | 5;
export type QoS = 0 | 1 | 2;
/** Name and value of a User Property. */
export type UserProperty = readonly [name: string, value: string];

/**
 * Every property of MQTT 5.0 (section 2.2.2.2) under its name in the standard, absent where the packet has none.
 * Which packet may carry which one stands in `properties.ts`; the codec enforces it.
 * Binary values of a decoded packet are views into the bytes they were decoded from.
 */
export interface Properties {
  payloadFormatIndicator?: 0 | 1 | undefined;
  /** Seconds, 0 to 4294967295. */
  messageExpiryInterval?: number | undefined;
  contentType?: string | undefined;
  responseTopic?: string | undefined;
  correlationData?: Uint8Array | undefined;
  /** 1 to 268435455 each. SUBSCRIBE holds one, PUBLISH from a server any number. */
  subscriptionIdentifiers?: readonly number[] | undefined;
  /** Seconds; 0xFFFFFFFF never expires. */
  sessionExpiryInterval?: number | undefined;
  assignedClientIdentifier?: string | undefined;
  /** Seconds, 0 to 65535. */
  serverKeepAlive?: number | undefined;
  authenticationMethod?: string | undefined;
  authenticationData?: Uint8Array | undefined;
  requestProblemInformation?: 0 | 1 | undefined;
  /** Seconds. */
  willDelayInterval?: number | undefined;
  requestResponseInformation?: 0 | 1 | undefined;
  responseInformation?: string | undefined;
  serverReference?: string | undefined;
  reasonString?: string | undefined;
  /** Packets, 1 to 65535. */
  receiveMaximum?: number | undefined;
  topicAliasMaximum?: number | undefined;
  topicAlias?: number | undefined;
  maximumQoS?: 0 | 1 | undefined;
  retainAvailable?: 0 | 1 | undefined;
  userProperties?: readonly UserProperty[] | undefined;
  /** Bytes, 1 to 4294967295. */
  maximumPacketSize?: number | undefined;
  wildcardSubscriptionAvailable?: 0 | 1 | undefined;
  subscriptionIdentifierAvailable?: 0 | 1 | undefined;
  sharedSubscriptionAvailable?: 0 | 1 | undefined;
}

/** The Will Message of a CONNECT (section 3.1.2.5). */
export interface Will {
  topic: string;
  payload: Uint8Array;
  qos: QoS;
  retain: boolean;
  /** Will Properties (3.1.3.2); empty before 5.0. */
  properties: Properties;
}

export interface ConnectPacket {
  type: 'connect';
  protocolVersion: ProtocolVersion;
  /** The Protocol Level had its top bit set (0x83, 0x84): the private mark of Mosquitto's bridges. */
  bridge: boolean;
  clientId: string;
  /** Clean Start (5.0), Clean Session (3.x). */
  cleanStart: boolean;
  /** Seconds, 0 to 65535; 0 turns the mechanism off. */
  keepAlive: number;
  username?: string;
  password?: Uint8Array;
  will?: Will;
  properties: Properties;
}
export interface ConnackPacket {
  type: 'connack';
  sessionPresent: boolean;
  /** 5.0 Reason Code, or the Return Code 0 to 5 of 3.x. */
  reasonCode: number;
  properties: Properties;
}
export interface PublishPacket {
  type: 'publish';
  dup: boolean;
  qos: QoS;
  retain: boolean;
  /** Empty when a Topic Alias stands for it. */
  topic: string;
  /** 1 to 65535 where `qos` is above 0, else 0. */
  packetId: number;
  properties: Properties;
  payload: Uint8Array;
}
/** PUBACK, PUBREC, PUBREL, PUBCOMP. Before 5.0 `reasonCode` is 0 and `properties` empty. */
export interface PublishAckPacket {
  type: 'puback' | 'pubrec' | 'pubrel' | 'pubcomp';
  packetId: number;
  reasonCode: number;
  properties: Properties;
}
/** One filter of a SUBSCRIBE with its Subscription Options (section 3.8.3.1). */
export interface SubscriptionRequest {
  filter: string;
  qos: QoS;
  noLocal: boolean;
  retainAsPublished: boolean;
  /** 0: send retained messages, 1: only if the subscription is new, 2: do not. */
  retainHandling: 0 | 1 | 2;
}
export interface SubscribePacket {
  type: 'subscribe';
  packetId: number;
  properties: Properties;
  subscriptions: readonly SubscriptionRequest[];
}
export interface SubackPacket {
  type: 'suback';
  packetId: number;
  properties: Properties;
  reasonCodes: readonly number[];
}
export interface UnsubscribePacket {
  type: 'unsubscribe';
  packetId: number;
  properties: Properties;
  filters: readonly string[];
}
export interface UnsubackPacket {
  type: 'unsuback';
  packetId: number;
  properties: Properties;
  /** Empty before 5.0. */
  reasonCodes: readonly number[];
}
export interface PingreqPacket {
  type: 'pingreq';
}
export interface PingrespPacket {
  type: 'pingresp';
}
export interface DisconnectPacket {
  type: 'disconnect';
  reasonCode: number;
  properties: Properties;
}
export interface AuthPacket {
  type: 'auth';
  reasonCode: number;
  properties: Properties;
}

export type Packet =
  | ConnectPacket
  | ConnackPacket
  | PublishPacket
  | PublishAckPacket
  | SubscribePacket
  | SubackPacket
  | UnsubscribePacket
  | UnsubackPacket
  | PingreqPacket
  | PingrespPacket
  | DisconnectPacket
  | AuthPacket;

/** Shared by every packet without properties; never written to. */
export const NO_PROPERTIES: Properties = Object.freeze({});
