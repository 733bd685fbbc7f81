/** Eclipse Paho for Python, from Debian, with Dunlin. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { connect } from '@dunlin/client';
import { debianPython, missing } from '../../tools/prerequisites.ts';
import { LocalBroker, Program } from './local-broker.ts';

const program = fileURLToPath(new URL('paho-round.py', import.meta.url));

describe('paho with Dunlin', { skip: missing('paho') }, () => {
  const started = LocalBroker.start();
  for (const level of [3, 4, 5]) {
    test(`level ${level}: every QoS in both directions, retained, will`, async () => {
      const { port } = await started;
      await using client = await connect(`mqtt://127.0.0.1:${port}`);
      const wills = await client.subscribe(`paho-will/${level}`, { qos: 1 });
      const extra = level === 5 ? " text/plain [('name', 'value')]" : '';
      const expected = [0, 1, 2].map((qos) => `${qos} paho/${level}/${qos} payload ${qos}${extra}`);
      expected.push(`1 paho/${level}/retained kept`);
      assert.equal(
        await new Program(debianPython, [program, String(port), String(level)]).output(),
        `${expected.sort().join('\n')}\n`,
      );
      for await (const will of wills) {
        assert.equal(will.text(), 'gone');
        break;
      }
      const retained = client.subscribe(`paho/${level}/#`);
      for await (const message of retained) {
        assert.deepEqual([message.text(), message.retain], ['kept', true]);
        break;
      }
    });
  }
});
