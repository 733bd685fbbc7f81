/** `dunlin rr` and mosquitto_rr ask and answer each other, at Dunlin. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { missing } from '../../tools/prerequisites.ts';
import { LocalBroker, Program } from './local-broker.ts';

const dunlin = fileURLToPath(new URL('../../packages/cli/bin/dunlin.js', import.meta.url));

describe('request and response', { skip: missing('mosquitto_sub') }, () => {
  const started = LocalBroker.start();
  const run = async (command: string, ...rest: string[]): Promise<Program> => {
    const [program, ...before] = command.split(' ');
    return new Program(program, [...before, '-h', '127.0.0.1', '-p', String((await started).port), ...rest]);
  };

  test('mosquitto_rr is answered by dunlin rr --respond', async () => {
    const responder = await run(`${dunlin} rr`, '--respond', '-t', 'lamp/+/request', '--count', '1', '--exec', 'rev');
    await (await started).subscribed('lamp/+/request');
    const asked = await run('mosquitto_rr', '-V', '5', '-t', 'lamp/1/request', '-e', 'lamp/1/answer', '-m', 'abc');
    assert.equal((await asked.output()).trim(), 'cba');
    await responder.output();
  });

  test('the flags of mosquitto_rr do the same here', async () => {
    const line = ['-t', 'same/request', '-e', 'same/answer', '-m', 'å', '-q', '2', '-W', '10', '-v', '-k', '30'];
    const responder = await run(`${dunlin} rr`, '--respond', '-t', 'same/request', '--count', '2', '--echo');
    await (await started).subscribed('same/request');
    const theirs = await (await run('mosquitto_rr', ...line)).output();
    const ours = await (await run(`${dunlin} rr`, ...line)).output();
    assert.deepEqual([theirs, ours], ['same/answer å\n', 'same/answer å\n']);
    await responder.output();
  });
});
