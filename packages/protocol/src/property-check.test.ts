import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MqttError } from './errors.ts';
import type { Properties } from './packets.ts';
import { propertyIn } from './properties.ts';
import { encodeProperties, readProperties } from './property-block.ts';
import { checkPropertyBytes } from './property-check.ts';
import { readVarint, varintSize } from './varint.ts';

/** Goes through a list of properties as a PUBLISH does; the Reason Code of what is thrown, or undefined. */
function check(bytes: Uint8Array): number | undefined {
  return faultOf(() => {
    for (let at = 0; at < bytes.length; ) {
      const property = propertyIn(readVarint(bytes, at, bytes.length), 'publish', 'server');
      at = checkPropertyBytes(bytes, at + varintSize(property.id), bytes.length, property, true);
    }
  });
}

function faultOf(action: () => void): number | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    assert.ok(error instanceof MqttError);
    return error.reasonCode;
  }
}

test('accepts every property of a PUBLISH', () => {
  const properties: Properties = {
    payloadFormatIndicator: 1,
    messageExpiryInterval: 0,
    contentType: '',
    responseTopic: 'a',
    correlationData: new Uint8Array(3),
    topicAlias: 256,
    subscriptionIdentifiers: [1, 200, 70_000],
    userProperties: [['', 'é']],
  };
  assert.equal(check(encodeProperties(properties, 'publish').subarray(1)), undefined);
});

test('refuses on bytes what reading them refuses', () => {
  const ids = [1, 2, 3, 8, 9, 11, 35, 38, 39];
  // As a repetition is no matter of the bytes, nothing that could be another identifier follows a whole value.
  const value = fc.array(fc.constantFrom(0, 4, 0x2b, 0x61, 0x80, 0xff));
  fc.assert(
    fc.property(fc.constantFrom(...ids), value, (id, rest) => {
      const bytes = Uint8Array.of(id, ...rest);
      const read = faultOf(() => readProperties(bytes, 0, bytes.length, 'publish', 'server'));
      assert.equal(check(bytes) === undefined, read === undefined);
    }),
    { numRuns: 5000 },
  );
});
