/** The defaults that the table of keys tells are those that the packages have in force where nothing is said. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULTS } from '../../packages/identity/src/attempts.ts';
import { CONFIGURATION } from '../../packages/server/src/configuration-table.ts';
import type { AmountShape, GroupShape, ListShape, Shape } from '../../packages/server/src/shape.ts';
import { HANDSHAKE_TIMEOUT_MS, HANDSHAKES_MAX } from '../../packages/transport/src/tls-entrance.ts';

const { guard, listeners } = CONFIGURATION.entries;

function standard(shape: Shape): unknown {
  return shape.kind === 'list' ? shape.standard : (shape as AmountShape).default;
}

function milliseconds(shape: Shape): number {
  return (shape as AmountShape).default * 1_000;
}

test('the guard against guessing has the defaults of the table', () => {
  const { windowS, banS, delayMaxMs, flapping: _, ...others } = (guard as GroupShape).entries;
  const table = { windowMs: milliseconds(windowS), banMs: milliseconds(banS), delayMsMax: standard(delayMaxMs) };
  const same = Object.fromEntries(Object.entries(others).map(([name, shape]) => [name, standard(shape)]));
  // These four are no keys.
  const { answerMsMax, delayedMax, delayedPerAddressMax, entriesMax, ...inForce } = DEFAULTS;
  assert.deepEqual({ ...table, ...same }, inForce);
});

test('TLS handshakes have the bounds of the table', () => {
  const { tls } = ((listeners as ListShape).items as GroupShape).entries;
  const { handshakeTimeoutMs, handshakesMax } = (tls as GroupShape).entries;
  assert.deepEqual([handshakeTimeoutMs, handshakesMax].map(standard), [HANDSHAKE_TIMEOUT_MS, HANDSHAKES_MAX]);
});
