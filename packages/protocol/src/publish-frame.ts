/** A PUBLISH packet seen through offsets into its bytes: the broker's hot path, without objects (section 3.3). */

import { malformedPacket, protocolError } from './errors.ts';
import type { Side } from './packet-types.ts';
import { NO_PROPERTIES, type Properties, type ProtocolVersion, type QoS } from './packets.ts';
import { CODED, checkPropertyRepeats, propertyIn } from './properties.ts';
import { readProperties } from './property-block.ts';
import { checkPropertyBytes } from './property-check.ts';
import { readUtf8, type TextRules } from './utf8.ts';
import { checkTopicName } from './utf8-check.ts';
import { readVarint, varintSize } from './varint.ts';

const NO_BYTES = new Uint8Array(0);
const TOPIC_ALIAS = 0x23;
const MESSAGE_EXPIRY_INTERVAL = 0x02;

/**
 * Offsets and flags of one PUBLISH; made once and read again for every packet.
 *
 * After `read` everything is valid and checked except the characters of the topic: `checkTopicName` or `topic()` does
 * that, once per topic where topics are interned. All offsets count from the start of `bytes`, which stays the
 * caller's.
 */
export class PublishFrame {
  dup = false;
  qos: QoS = 0;
  retain = false;
  bytes: Uint8Array = NO_BYTES;
  start = 0;
  end = 0;
  /** The Topic Name's bytes; empty when a Topic Alias stands for it. */
  topicStart = 0;
  topicEnd = 0;
  /** 0 where `qos` is 0. */
  packetId = 0;
  /** The properties without their length; empty before 5.0. */
  propertiesStart = 0;
  propertiesEnd = 0;
  payloadStart = 0;
  /** 0: none. */
  topicAlias = 0;
  /** Where the Topic Alias stands, its identifier first, three bytes; -1: there is none. */
  topicAliasStart = -1;
  /** Where the four bytes of the Message Expiry Interval begin; -1: there is none. */
  messageExpiryStart = -1;
  /** True when there is a property besides a Topic Alias. */
  hasProperties = false;

  readonly #sender: Side;
  readonly #strictText: boolean;

  /** `receiver` is the side this code runs on: a server refuses Subscription Identifiers [MQTT-3.3.4-6]. */
  constructor(receiver: Side = 'server', rules: TextRules = {}) {
    this.#sender = receiver === 'server' ? 'client' : 'server';
    this.#strictText = rules.strictText ?? true;
  }

  /**
   * Reads the packet in bytes [start, end) whose variable header begins at `bodyStart`. Allocates nothing.
   *
   * Throws 'malformed-packet' for QoS 3 [MQTT-3.3.1-4], DUP with QoS 0 above level 3 [MQTT-3.3.1-2] and whatever does
   * not fit its length; 'protocol-error' for Packet Identifier 0 [MQTT-2.2.1-3] and an empty topic without alias; and
   * what the property functions throw. After a throw the fields are undefined.
   */
  read(version: ProtocolVersion, bytes: Uint8Array, start: number, bodyStart: number, end: number): void {
    const first = bytes[start];
    const qos = (first >> 1) & 3;
    if (qos === 3) throw malformedPacket('Cannot read PUBLISH: its QoS is 3 [MQTT-3.3.1-4]');
    this.qos = qos as QoS;
    this.retain = (first & 1) === 1;
    this.dup = qos > 0 && (first & 8) !== 0;
    if (qos === 0 && (first & 8) !== 0 && version !== 3) {
      throw malformedPacket('Cannot read PUBLISH: DUP is 1 with QoS 0 [MQTT-3.3.1-2]');
    }
    this.bytes = bytes;
    this.start = start;
    this.end = end;

    const topicStart = bodyStart + 2;
    const topicEnd = topicStart + ((bytes[bodyStart] << 8) | bytes[bodyStart + 1]);
    if (topicEnd > end) throw malformedPacket('Cannot read PUBLISH: the packet ends inside its Topic Name');
    this.topicStart = topicStart;
    this.topicEnd = topicEnd;

    let at = topicEnd;
    this.packetId = 0;
    if (qos > 0) {
      if (at + 2 > end) throw malformedPacket('Cannot read PUBLISH: the packet ends inside its Packet Identifier');
      this.packetId = (bytes[at] << 8) | bytes[at + 1];
      if (this.packetId === 0) throw protocolError('Cannot read PUBLISH: its Packet Identifier is 0 [MQTT-2.2.1-3]');
      at += 2;
    }
    this.topicAlias = 0;
    this.topicAliasStart = -1;
    this.messageExpiryStart = -1;
    this.hasProperties = false;
    this.propertiesStart = at;
    this.propertiesEnd = at;
    if (version === 5) at = this.#readProperties(at);
    this.payloadStart = at;
    if (topicStart === topicEnd && this.topicAlias === 0) {
      throw protocolError('Cannot read PUBLISH: its Topic Name is empty and it has no Topic Alias (3.3.2.1)');
    }
  }

  /** The Topic Name, checked as `checkTopicName` does; empty when a Topic Alias stands for it. */
  topic(): string {
    checkTopicName(this.bytes, this.topicStart, this.topicEnd, this.#strictText);
    return readUtf8(this.bytes, this.topicStart, this.topicEnd);
  }

  /** All properties, the Topic Alias among them; binary values are views of `bytes`. */
  properties(): Properties {
    if (this.propertiesStart === this.propertiesEnd) return NO_PROPERTIES;
    const { bytes, propertiesStart, propertiesEnd } = this;
    return readProperties(bytes, propertiesStart, propertiesEnd, 'publish', this.#sender);
  }

  /** Checks the property block at `at` and returns the offset behind it. */
  #readProperties(at: number): number {
    const length = readVarint(this.bytes, at, this.end);
    this.propertiesStart = at + varintSize(length);
    this.propertiesEnd = this.propertiesStart + length;
    if (this.propertiesEnd > this.end)
      throw malformedPacket('Cannot read PUBLISH: the packet ends inside its properties');
    if (length > 0) this.#checkProperties();
    return this.propertiesEnd;
  }

  #checkProperties(): void {
    const { bytes, propertiesEnd } = this;
    let seen = 0;
    let at = this.propertiesStart;
    while (at < propertiesEnd) {
      const property = propertyIn(readVarint(bytes, at, propertiesEnd), 'publish', this.#sender);
      const bit = 1 << CODED.indexOf(property);
      if ((seen & bit) !== 0) checkPropertyRepeats(property, 'publish');
      seen |= bit;
      const valueStart = at + varintSize(property.id);
      const next = checkPropertyBytes(bytes, valueStart, propertiesEnd, property, this.#strictText);
      if (property.id === TOPIC_ALIAS) {
        this.topicAlias = (bytes[valueStart] << 8) | bytes[valueStart + 1];
        this.topicAliasStart = at;
      } else {
        this.hasProperties = true;
        if (property.id === MESSAGE_EXPIRY_INTERVAL) this.messageExpiryStart = valueStart;
      }
      at = next;
    }
  }
}
