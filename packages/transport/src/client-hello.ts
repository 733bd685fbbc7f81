/** What a TLS client says first, as far as it takes to know whether a handshake is worth a place. */

const RECORD_HEAD_BYTES = 5;
const HANDSHAKE = 0x16;
const VERSION_MAJOR = 0x03;
/** Of a record without encryption (RFC 8446, section 5.1). */
const RECORD_BYTES_MAX = 1 << 14;
const CLIENT_HELLO = 1;

/**
 * Whether `bytes` begin with the whole first record of a ClientHello: `partial` where more has to come, `other` where it
 * cannot be one, as early as that is certain.
 */
export function clientHelloIn(bytes: Buffer): 'whole' | 'partial' | 'other' {
  if (bytes.length > 0 && bytes[0] !== HANDSHAKE) return 'other';
  if (bytes.length > 1 && bytes[1] !== VERSION_MAJOR) return 'other';
  if (bytes.length < RECORD_HEAD_BYTES) return 'partial';
  const length = bytes.readUInt16BE(3);
  if (length === 0 || length > RECORD_BYTES_MAX) return 'other';
  if (bytes.length > RECORD_HEAD_BYTES && bytes[RECORD_HEAD_BYTES] !== CLIENT_HELLO) return 'other';
  return bytes.length < RECORD_HEAD_BYTES + length ? 'partial' : 'whole';
}
