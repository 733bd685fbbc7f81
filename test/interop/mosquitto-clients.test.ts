/** mosquitto_pub and mosquitto_sub from Debian with Dunlin, and with Dunlin's own command line. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { missing } from '../../tools/prerequisites.ts';
import { LocalBroker, Program } from './local-broker.ts';

const VERSIONS = ['mqttv31', 'mqttv311', 'mqttv5'];
const skip = missing('mosquitto_pub', 'mosquitto_sub');
const dunlin = fileURLToPath(new URL('../../packages/cli/bin/dunlin.js', import.meta.url));

const sorted = (text: string): string[] => text.trim().split('\n').sort();

describe('mosquitto clients with Dunlin', { skip }, () => {
  const started = LocalBroker.start();
  const run = async (command: string, line: string, rest: readonly string[] = []): Promise<Program> => {
    const { port } = await started;
    const [program, ...before] = command.split(' ');
    return new Program(program, [...before, '-h', '127.0.0.1', '-p', String(port), ...line.split(' '), ...rest]);
  };
  /** A subscriber whose subscription the broker has. */
  const listening = async (
    command: string,
    filter: string,
    line: string,
    rest: readonly string[] = [],
  ): Promise<Program> => {
    const program = await run(command, `-t ${filter} ${line}`, rest);
    await (await started).subscribed(filter);
    return program;
  };

  for (const version of VERSIONS) {
    for (const command of ['mosquitto_sub', `${dunlin} sub`]) {
      const reader = command.endsWith(' sub') ? 'dunlin sub' : command;
      test(`${reader} ${version} receives from every version at every QoS`, async () => {
        const topic = `matrix/${reader.replace(' ', '')}/${version}`;
        const subscriber = await listening(command, `${topic}/#`, `-V ${version} -q 2 -C 9`, ['-F', '%q %t %p']);
        const expected: string[] = [];
        for (const publisher of VERSIONS) {
          for (const qos of [0, 1, 2]) {
            await (
              await run('mosquitto_pub', `-V ${publisher} -q ${qos} -t ${topic}/${publisher}/${qos} -m`, ['å b'])
            ).output();
            expected.push(`${qos} ${topic}/${publisher}/${qos} å b`);
          }
        }
        assert.deepEqual(sorted(await subscriber.output()), expected.sort());
      });
    }

    test(`dunlin pub ${version} reaches mosquitto_sub at every QoS`, async () => {
      const topic = `own/${version}`;
      const subscriber = await listening('mosquitto_sub', `${topic}/#`, '-V mqttv5 -q 2 -C 3 -v');
      for (const qos of [0, 1, 2]) {
        await (await run(`${dunlin} pub`, `-V ${version} -q ${qos} -t ${topic}/${qos} -m x`)).output();
      }
      assert.deepEqual(
        sorted(await subscriber.output()),
        [0, 1, 2].map((qos) => `${topic}/${qos} x`),
      );
    });

    test(`retained messages of ${version} are kept, replaced and cleared`, async () => {
      const topic = `retained/${version}`;
      for (const text of ['first', 'second'])
        await (await run('mosquitto_pub', `-V ${version} -q 1 -r -t ${topic} -m ${text}`)).output();
      assert.equal(
        await (await run('mosquitto_sub', `-V ${version} -t ${topic} -C 1 -F`, ['%r %p'])).output(),
        '1 second\n',
      );
      await (await run('mosquitto_pub', `-V ${version} -q 1 -r -t ${topic} -n`)).output();
      assert.equal(await (await run('mosquitto_sub', `-V ${version} -t ${topic} -C 1 -W 1`)).exited, 27);
    });

    test(`a will of ${version} goes out when the client is killed and not when it leaves`, async () => {
      const topic = `will/${version}`;
      const watcher = await listening('mosquitto_sub', `${topic}/#`, '-q 2 -C 1 -v');
      const will = (name: string): string =>
        `-V ${version} --will-topic ${topic}/${name} --will-payload gone --will-qos 2`;
      // mosquitto_sub asks for its will on Ctrl-C in 5.0, so the polite one is ours.
      const polite = await listening(`${dunlin} sub`, `${topic}-polite`, will('polite'));
      const killed = await listening('mosquitto_sub', `${topic}-killed`, will('killed'));
      polite.kill('SIGINT');
      await polite.exited;
      killed.kill('SIGKILL');
      assert.equal(await watcher.output(), `${topic}/killed gone\n`);
    });

    test(`a session of ${version} keeps messages while its client is away`, async () => {
      const topic = `away/${version}`;
      const session = `-V ${version} -c -i away-${version} -q 2 -t ${topic}`;
      await (await run('mosquitto_sub', `${session} -E`)).output();
      for (const qos of [1, 2]) await (await run('mosquitto_pub', `-q ${qos} -t ${topic} -m ${qos}`)).output();
      assert.equal(await (await run('mosquitto_sub', `${session} -C 2`)).output(), '1\n2\n');
    });
  }

  test('a large payload arrives whole', async () => {
    const subscriber = await listening('mosquitto_sub', 'large', '-q 1 -C 1 -F %l');
    const { port } = await started;
    const parameters = ['-p', String(port), '-q', '1', '-t', 'large', '-s'];
    await new Program('mosquitto_pub', parameters, 'x'.repeat(1_000_000)).output();
    assert.equal(await subscriber.output(), '1000000\n');
  });

  test('a shared subscription divides messages among its members', async () => {
    const filter = '$share/group/shared/#';
    const members = [
      await run('mosquitto_sub', `-V mqttv5 -q 1 -t ${filter} -C 3`),
      await run(`${dunlin} sub`, `-q 1 -t ${filter} -C 3`),
    ];
    await (await started).subscribed(filter, 2);
    const { port } = await started;
    await new Program(
      'mosquitto_pub',
      ['-p', String(port), '-q', '1', '-t', 'shared/a', '-l'],
      '1\n2\n3\n4\n5\n6\n',
    ).output();
    const outputs = await Promise.all(members.map((member) => member.output()));
    assert.deepEqual(sorted(outputs.join('')), ['1', '2', '3', '4', '5', '6']);
  });

  test('properties of 5.0 pass through', async () => {
    const subscriber = await listening('mosquitto_sub', 'properties', '-V mqttv5 -C 1 -F', ['%C|%D|%F|%R|%P|%E']);
    const properties = [
      ...['-D', 'PUBLISH', 'content-type', 'text/plain'],
      ...['-D', 'PUBLISH', 'correlation-data', 'data'],
      ...['-D', 'PUBLISH', 'payload-format-indicator', '1'],
      ...['-D', 'PUBLISH', 'response-topic', 'reply'],
      ...['-D', 'PUBLISH', 'user-property', 'name', 'value'],
    ];
    await (await run('mosquitto_pub', '-V mqttv5 -q 1 -t properties -m x', properties)).output();
    assert.equal(await subscriber.output(), 'text/plain|data|1|reply|name:value|\n');
  });

  test('dunlin sub prints what mosquitto_sub prints, in every format both know', async () => {
    const formats = [
      '%t|%20t|%-20t|%3.3t|%.2t|%p|%x|%X|%l|%5l|%05l|%-5l|%q|%r|%%',
      '%C|%10C|%-10C|%3.3C|%D|%E|%8E|%F|%R|%20R|%S|%A|%P',
      '%30p|%-30p|%030p',
      '@Y-@m-@dT@H @@ @y @j @B @A @p @u @V @D @F',
      '\\a\\e\\n\\r\\t\\v\\\\ end',
    ];
    for (const [index, format] of formats.entries()) {
      const topic = `formats/${index}`;
      const readers = ['mosquitto_sub', `${dunlin} sub`].map((command) =>
        run(command, `-V 5 -q 1 -t ${topic} -C 1 -F`, [format]),
      );
      const programs = await Promise.all(readers);
      await (await started).subscribed(topic, 2);
      const properties = [
        ...['-D', 'PUBLISH', 'content-type', 'ctype'],
        ...['-D', 'PUBLISH', 'correlation-data', 'corr'],
        ...['-D', 'PUBLISH', 'payload-format-indicator', '1'],
        ...['-D', 'PUBLISH', 'response-topic', 'r/t'],
        ...['-D', 'PUBLISH', 'user-property', 'k', 'v'],
        ...['-D', 'PUBLISH', 'user-property', 'k2', 'v2'],
      ];
      await (await run('mosquitto_pub', `-V 5 -q 1 -t ${topic} -m`, ['{"a":"b"}', ...properties])).output();
      const [theirs, ours] = await Promise.all(programs.map((program) => program.output()));
      assert.equal(ours, theirs, format);
    }
  });

  test('exit codes are those of mosquitto_sub where a script would look', async () => {
    for (const command of ['mosquitto_sub', `${dunlin} sub`]) {
      assert.equal(await (await run(command, '-t quiet -W 1')).exited, 27);
      const sub = await run(command, '-t ended');
      await (await started).subscribed('ended', command === 'mosquitto_sub' ? 1 : 2);
      sub.kill('SIGINT');
      assert.equal(await sub.exited, 0);
    }
  });
});
