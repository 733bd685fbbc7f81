import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ConnectPacket, type Packet, type Properties, reasonCodeName } from '@dunlin/protocol';
import { checkProblemInformation } from './problem-information.ts';

const asking = (requestProblemInformation?: 0 | 1) => ({ properties: { requestProblemInformation } }) as ConnectPacket;
const puback = (properties: Properties): Packet => ({ type: 'puback', packetId: 1, reasonCode: 0x10, properties });

test('a server that was asked for no explanations and gives one is told', () => {
  const told = (properties: Properties) => () => checkProblemInformation(asking(0), puback(properties));
  assert.throws(told({ reasonString: reasonCodeName(0x10) }), {
    reasonCode: 0x82,
    message: /PUBACK with an explanation/,
  });
  assert.throws(told({ userProperties: [['a', 'b']] }), { reasonCode: 0x82, message: /PUBACK with an explanation/ });
  told({})();
});

test('one that was asked for them, or not told otherwise, may give them', () => {
  for (const asked of [1, undefined] as const) checkProblemInformation(asking(asked), puback({ reasonString: 'why' }));
  checkProblemInformation(asking(0), { type: 'pingresp' });
});
