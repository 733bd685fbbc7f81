import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isReasonCodeAllowed } from '@dunlin/protocol';
import { LIMITS, type Limit, resolveLimits } from './limits.ts';
import { COUNTERS } from './metrics.ts';

const rows: [string, Limit][] = Object.entries(LIMITS);

test('every limit has a unit, a default in its range, a counter that exists, and a sentence', () => {
  for (const [name, limit] of rows) {
    assert.match(limit.unit, /^[a-z]+$/, name);
    assert.ok(limit.minimum <= limit.default && limit.default <= limit.maximum, name);
    assert.ok(limit.counter in COUNTERS, name);
    assert.match(limit.description, /^[A-Z].*\.$/, name);
  }
});

test('every name ends in what it counts, and time and sizes in their unit', () => {
  for (const [name, { unit }] of rows) {
    if (unit === 'bytes') assert.match(name, /Bytes|PacketSize/, name);
    if (unit === 'milliseconds') assert.match(name, /Ms$/, name);
    if (unit === 'seconds') assert.match(name, /S$/, name);
  }
});

test('every Reason Code is one that some packet of the server may carry', () => {
  for (const [name, { reasonCode }] of rows) {
    if (reasonCode === undefined) continue;
    const packets = ['connack', 'puback', 'suback', 'disconnect'] as const;
    assert.ok(
      packets.some((packet) => isReasonCodeAllowed(packet, reasonCode, 'server')),
      name,
    );
  }
});

test('takes the defaults, and what is set in their place', () => {
  const limits = resolveLimits({ receiveMaximum: 20, connectionsMax: undefined });
  assert.deepEqual(limits, {
    ...Object.fromEntries(rows.map(([name, limit]) => [name, limit.default])),
    receiveMaximum: 20,
  });
  for (const [name, limit] of rows)
    for (const value of [limit.minimum, limit.maximum])
      assert.equal(resolveLimits({ [name]: value })[name as 'receiveMaximum'], value);
});

test('names the limit, the value and what is allowed where a value is out of range', () => {
  assert.throws(() => resolveLimits({ receiveMaximum: 0 }), {
    name: 'RangeError',
    message: 'Cannot set receiveMaximum to 0: 1 to 65535 messages are allowed',
  });
  for (const [name, { minimum, maximum }] of rows)
    for (const value of [minimum - 1, maximum * 2 + 1, Number.NaN, Number.POSITIVE_INFINITY])
      assert.throws(() => resolveLimits({ [name]: value }), new RegExp(`${name} to .*: ${minimum} to ${maximum} `));
});

test('names a limit that does not exist', () => {
  assert.throws(() => resolveLimits({ maxClients: 5 } as object), {
    name: 'RangeError',
    message: 'Cannot set the limit "maxClients": there is none of that name',
  });
});
