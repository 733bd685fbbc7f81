/** What dunlin sub prints and when it ends, byte for byte beside mosquitto_sub from Debian. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { missing } from '../../tools/prerequisites.ts';
import { LocalBroker, Program } from './local-broker.ts';

const dunlin = fileURLToPath(new URL('../../packages/cli/bin/dunlin.js', import.meta.url));
const skip = missing('mosquitto_pub', 'mosquitto_sub');

const READERS: readonly (readonly string[])[] = [['mosquitto_sub'], [dunlin, 'sub']];
const BINARY = Buffer.of(0, 1, 0x7f, 0x80, 0xff, 0x0a, 0x41);

/** JSON in which the time is always the same, and with the offset as dunlin has it. */
const timeless = (text: string): string => text.replace(/"tst":"[^"]*"/g, '"tst":"T"');

describe('dunlin sub beside mosquitto_sub', { skip }, () => {
  const started = LocalBroker.start();
  const at = async (): Promise<string[]> => ['-h', '127.0.0.1', '-p', String((await started).port)];

  /** Both, with their subscriptions in place. */
  async function readers(filter: string, ...flags: string[]): Promise<Program[]> {
    const place = await at();
    const programs = READERS.map(
      ([command, ...before]) => new Program(command, [...before, ...place, '-t', filter, ...flags]),
    );
    await (await started).subscribed(filter, 2);
    return programs;
  }

  async function publish(topic: string, payload: string | Buffer, ...flags: string[]): Promise<void> {
    const source = payload.length === 0 ? ['-n'] : ['-s'];
    const parameters = [...(await at()), '-q', '1', '-t', topic, ...source, ...flags];
    await new Program('mosquitto_pub', parameters, payload as string).output();
  }

  async function same(programs: readonly Program[], normal = (text: string): string => text): Promise<string> {
    const [theirs, ours] = await Promise.all(programs.map((program) => program.output()));
    assert.equal(normal(ours), normal(theirs));
    return normal(ours);
  }

  for (const [index, flags] of [
    [],
    ['-v'],
    ['-N'],
    ['-v', '-N'],
    ['-F', '%p'],
    ['-F', '%x|%X|%l'],
    ['-F', '%20p|%-20p|%5l|%05l|%3.3t'],
    ['-V', '311', '-F', '%t %q %r %m %p'],
    ['-V', '31', '-v'],
  ].entries()) {
    test(`payloads of every kind print the same with ${flags.join(' ') || 'no flags'}`, async () => {
      const topic = `payloads/${index}`;
      const programs = await readers(topic, '-C', '4', ...flags);
      for (const payload of ['text', '', BINARY, 'å\n{"a":1}']) await publish(topic, payload);
      await same(programs);
    });
  }

  test('%j and %J are the same JSON but for the time', async () => {
    const topic = 'json/both';
    const programs = await readers(topic, '-C', '3', '-V', '5', '-q', '1', '-F', '%j %J');
    const properties = [
      ...['-D', 'PUBLISH', 'response-topic', 'r/t'],
      ...['-D', 'PUBLISH', 'user-property', 'k', 'v'],
      ...['-D', 'PUBLISH', 'content-type', 'application/json'],
      ...['-D', 'PUBLISH', 'user-property', 'k2', 'v2'],
      ...['-D', 'PUBLISH', 'payload-format-indicator', '1'],
    ];
    await publish(topic, '{"a":[1,2.5,null,true],"b":"\\"å/"}', '-V', '5', ...properties);
    await publish(topic, '[]');
    await publish(topic, '"text"');
    const text = await same(programs, timeless);
    assert.match(text, /"properties":\{"response-topic":"r\/t","user-properties":\{"k":"v","k2":"v2"\},"content-type"/);
  });

  test('-R, --retained-only, --remove-retained and -T choose, clear and end alike', async () => {
    for (const [command, ...before] of READERS) {
      const name = before.length === 0 ? 'theirs' : 'ours';
      for (const part of ['a', 'b', 'keep']) await publish(`kept/${name}/${part}`, part, '-r');
      const parameters = [...before, ...(await at()), '-t', `kept/${name}/#`, '-v'];
      const run = (...flags: string[]) => new Program(command, [...parameters, ...flags]);
      const lines = (text: string) => text.replaceAll(`kept/${name}/`, '').trim().split('\n').sort();
      assert.deepEqual(lines(await run('--retained-only', '-C', '3').output()), ['a a', 'b b', 'keep keep'], command);
      assert.equal(await run('-R', '-W', '1').exited, 27);
      // With -C mosquitto_sub 2.0.11 does not end after it has cleared something.
      const cleared = run('--remove-retained', '-T', `kept/${name}/keep`, '-W', '1');
      assert.equal(await cleared.exited, 27);
      // What clears comes back as a message.
      assert.deepEqual(lines(cleared.out), ['a (null)', 'a a', 'b (null)', 'b b'], command);
      assert.deepEqual(lines(await run('-C', '1').output()), ['keep keep'], command);
      const ended = run('--retained-only');
      await ended.shows('keep keep');
      await publish(`kept/${name}/live`, 'live');
      assert.deepEqual(lines(await ended.output()), ['keep keep'], command);
    }
  });
});
