/** The public names of `@dunlin/protocol`. */

export { type Deadlined, DeadlineWheel } from './deadline-wheel.ts';
export { decodeClientPacket, decodePacket, decodeServerPacket } from './decode.ts';
export { connectVersionHint, type DecodeOptions, decodeConnect } from './decode-connect.ts';
export {
  type ClientPacket,
  encodePacket,
  encodeWithin,
  writeClientPacket,
  writeClientPacketWithin,
  writePacket,
} from './encode.ts';
export { MqttError, type MqttErrorCode, protocolError } from './errors.ts';
export { FilterTree } from './filter-tree.ts';
export { FilterTrie, ownText } from './filter-trie.ts';
export { FrameReader } from './frame-reader.ts';
export { PacketStream } from './packet-stream.ts';
export {
  maySend,
  PACKET_TYPES,
  type PacketName,
  PacketType,
  type PacketTypeRow,
  packetTypeRow,
  type Side,
} from './packet-types.ts';
export { PacketWriter } from './packet-writer.ts';
export {
  type AuthPacket,
  type ConnackPacket,
  type ConnectPacket,
  type DisconnectPacket,
  NO_PROPERTIES,
  type Packet,
  type PingreqPacket,
  type PingrespPacket,
  type Properties,
  type ProtocolVersion,
  type PublishAckPacket,
  type PublishPacket,
  type QoS,
  type SubackPacket,
  type SubscribePacket,
  type SubscriptionRequest,
  type UnsubackPacket,
  type UnsubscribePacket,
  type UserProperty,
  type Will,
} from './packets.ts';
export {
  PROPERTIES,
  type PropertyCarrier,
  type PropertyRow,
  type PropertyType,
  type PropertyValues,
} from './properties.ts';
export { encodeProperties, readProperties } from './property-block.ts';
export { PublishFrame } from './publish-frame.ts';
export {
  connackReturnCode,
  hexadecimal,
  isReasonCodeAllowed,
  REASON_CODES,
  ReasonCode,
  type ReasonCodeRow,
  reasonCodeName,
} from './reason-codes.ts';
export { ReceiverFlow } from './receiver-flow.ts';
export { type OpenExchange, SenderFlow } from './sender-flow.ts';
export { parseSharedFilter, type SharedFilter } from './share.ts';
export { assertTopicFilter, assertTopicName, hasWildcard, isTopicFilter, topicLevels, topicMatches } from './topic.ts';
export { TopicAliasReceiver, TopicAliasSender } from './topic-alias.ts';
export { readUtf8, TEXT_BYTES_MAXIMUM, type TextCheck, type TextRules, utf8Length, writeUtf8 } from './utf8.ts';
export { checkTopicName, checkUtf8 } from './utf8-check.ts';
export { PACKET_BYTES_MAXIMUM, readVarint, VARINT_MAXIMUM, varintSize, writeVarint } from './varint.ts';
export { quoted, visible } from './visible-text.ts';
