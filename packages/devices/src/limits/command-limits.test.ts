import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COMMAND_LIMITS, resolveCommandLimits } from './command-limits.ts';

test('a limit that is not given has its default', () => {
  const limits = resolveCommandLimits({ commandsMax: 7 });
  assert.deepEqual([limits.commandsMax, limits.commandsPerDeviceMax, limits.commandBytesMax], [7, 100, 65_536]);
  assert.deepEqual(Object.keys(limits), Object.keys(COMMAND_LIMITS));
});

test('a limit outside of its range is refused by name, value and range', () => {
  for (const commandsInFlightMax of [0, 1_001, 1.5, Number.NaN])
    assert.throws(() => resolveCommandLimits({ commandsInFlightMax }), {
      name: 'RangeError',
      message: `Cannot set commandsInFlightMax to ${commandsInFlightMax}: a whole number of commands from 1 to 1000 is expected`,
    });
});
