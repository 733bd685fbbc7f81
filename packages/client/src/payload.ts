/** What a message is made of, as bytes. */

import { MqttError } from './errors.ts';
import type { Payload } from './options.ts';

const encoder = new TextEncoder();

/** The bytes of a payload; a Uint8Array is taken as it is, not copied. Throws 'invalid' for what JSON cannot say. */
export function payloadBytes(payload: Payload): Uint8Array {
  if (payload instanceof Uint8Array) return payload;
  if (typeof payload === 'string') return encoder.encode(payload);
  let cause: unknown;
  try {
    const json = JSON.stringify(payload);
    if (json !== undefined) return encoder.encode(json);
  } catch (error) {
    cause = error;
  }
  throw new MqttError('invalid', `Cannot use a payload of type ${typeof payload}: expected text, bytes or JSON`, {
    cause,
  });
}
