/** Reads the fields of one control packet in order, never past its end (section 1.5). */

import { type MqttError, malformedPacket, protocolError } from './errors.ts';
import type { Side } from './packet-types.ts';
import type { ProtocolVersion } from './packets.ts';
import type { PropertyCarrier } from './properties.ts';
import { readUtf8, type TextCheck } from './utf8.ts';
import { readVarint, varintSize } from './varint.ts';

/**
 * A position in the variable header and payload of a packet.
 *
 * Every method takes the field's name for the error text and throws 'malformed-packet' when the packet ends inside it.
 */
export class PacketReader {
  readonly bytes: Uint8Array;
  readonly end: number;
  readonly carrier: PropertyCarrier | 'pingreq' | 'pingresp';
  readonly sender: Side;
  /** Of a CONNECT known only when its level has been read. */
  version: ProtocolVersion;
  readonly checkText: TextCheck | undefined;
  /** Offset of the next field. */
  at: number;

  constructor(
    carrier: PacketReader['carrier'],
    sender: Side,
    version: ProtocolVersion,
    bytes: Uint8Array,
    at: number,
    end: number,
    checkText?: TextCheck,
  ) {
    this.carrier = carrier;
    this.sender = sender;
    this.version = version;
    this.bytes = bytes;
    this.at = at;
    this.end = end;
    this.checkText = checkText;
  }

  /** Names the packet in errors. */
  get title(): string {
    return this.carrier.toUpperCase();
  }

  /** Bytes not yet read. */
  get rest(): number {
    return this.end - this.at;
  }

  byte(field: string): number {
    return this.bytes[this.skip(1, field)];
  }

  uint16(field: string): number {
    const at = this.skip(2, field);
    return (this.bytes[at] << 8) | this.bytes[at + 1];
  }

  uint32(field: string): number {
    return this.uint16(field) * 0x1_0000 + this.uint16(field);
  }

  /** A Variable Byte Integer; its errors need no field. */
  varint(): number {
    const value = readVarint(this.bytes, this.at, this.end);
    this.at += varintSize(value);
    return value;
  }

  /** A Packet Identifier; throws 'protocol-error' for 0 [MQTT-2.2.1-3]. */
  packetId(): number {
    const packetId = this.uint16('Packet Identifier');
    if (packetId === 0) throw this.forbidden('its Packet Identifier is 0 [MQTT-2.2.1-3]');
    return packetId;
  }

  text(field: string): string {
    const length = this.uint16(field);
    const start = this.skip(length, field);
    this.checkText?.(this.bytes, start, this.at);
    return readUtf8(this.bytes, start, this.at);
  }

  /** A view, no copy. */
  binary(field: string): Uint8Array {
    const length = this.uint16(field);
    const start = this.skip(length, field);
    return this.bytes.subarray(start, this.at);
  }

  pair(field: string): [string, string] {
    return [this.text(field), this.text(field)];
  }

  /** Passes over bytes of a field; returns the offset of the first. */
  skip(count: number, field: string): number {
    const { at } = this;
    if (at + count > this.end) throw this.malformed(`the packet ends inside its ${field}`);
    this.at = at + count;
    return at;
  }

  /** Throws 'malformed-packet' when bytes are left over. */
  finish(): void {
    if (this.rest > 0) throw this.malformed(`${this.rest} bytes are left over`);
  }

  /** A 'malformed-packet' error which names the packet. */
  malformed(fault: string): MqttError {
    return malformedPacket(`Cannot read ${this.title}: ${fault}`);
  }

  /** A 'protocol-error' error which names the packet. */
  forbidden(fault: string): MqttError {
    return protocolError(`Cannot read ${this.title}: ${fault}`);
  }
}
