import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { RecordedTerminal } from './contract/recorded-terminal.ts';
import { run } from './main.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dunlin-cli-acl-'));
after(() => rmSync(scratch, { recursive: true, force: true }));
const rules = join(scratch, 'rules.yaml');
writeFileSync(
  rules,
  `rules:
  - allow: all
    topics: cameras/{username}/{attr.site}/#
    qosMax: 1
  - deny: publish
    topics: cameras/+/+/{cn}
    for: { groups: guests }
`,
);

async function acl(line: string, ...more: string[]): Promise<{ exitCode: number; out: string; err: string }> {
  const terminal = new RecordedTerminal();
  const exitCode = await run(['acl', 'test', '-i', 'c', ...line.split(' '), ...more], terminal);
  return { exitCode, out: terminal.out, err: terminal.err };
}

test('says of each action whether it is allowed and which rule decides', async () => {
  const said = await acl(`--rules ${rules} -u ada --attribute site=x -t cameras/ada/x/state -q 2`);
  const rule = `rules[0] (${rules}:2): allow publish, subscribe, will to "cameras/{username}/{attr.site}/#" with QoS 1 at most, here "cameras/ada/x/#"`;
  assert.equal(
    said.out,
    [
      'User "ada" with client id "c", topic "cameras/ada/x/state", QoS 2:',
      '  {attr.site}: "x"',
      '  publish    denied (0x87 Not authorized)',
      `    ${rule}: only with QoS 1 at most`,
      '  will       denied (0x87 Not authorized)',
      `    ${rule}: only with QoS 1 at most`,
      '  subscribe  QoS 1',
      `    ${rule}`,
      '  receive    allowed',
      `    ${rule}`,
      '',
    ].join('\n'),
  );
  assert.deepEqual([said.exitCode, said.err], [4, '']);
});

test('ends with 0 where all that was asked is allowed, with 4 where not', async () => {
  const line = `--rules ${rules} -u ada --attribute site=x --cn lock -a publish -t cameras/ada/x/lock`;
  assert.equal((await acl(line)).exitCode, 0);
  const denied = await acl(`${line} -g guests`);
  assert.equal(denied.exitCode, 4);
  assert.match(
    denied.out,
    /rules\[1\] \(.*rules\.yaml:5\): deny publish of .* for groups guests, here "cameras\/\+\/\+\/lock"/,
  );
});

test('reads ACL files of Mosquitto, whose wider subscriptions are checked at delivery', async () => {
  const file = join(scratch, 'acl');
  writeFileSync(file, 'topic read news/#\nuser ada\ntopic deny a/b\ntopic a/#\n');
  const said = JSON.parse((await acl(`--acl-file ${file} -u ada -t # --json`)).out);
  assert.deepEqual([said.username, said.results.length], ['ada', 1]);
  const { action, isAllowed, reasonCode, isCheckedAtDelivery, refusal } = said.results[0];
  assert.deepEqual([action, isAllowed, reasonCode, isCheckedAtDelivery, refusal], ['subscribe', true, 0, true, null]);
  assert.match(
    (await acl(`--acl-file ${file} -t news/#`)).out,
    /^An anonymous client .*\n {2}subscribe {2}QoS 0\n {4}.*acl:1: allow/,
  );
});

test('tells faults of a file by their lines, and a topic that is none', async () => {
  const file = join(scratch, 'wrong.yaml');
  writeFileSync(file, 'rules:\n  - allow: all\n    topics: a/#/b\n');
  const faulty = await acl(`--rules ${file} -t a`);
  assert.deepEqual([faulty.exitCode, faulty.out], [1, '']);
  assert.match(faulty.err, /^dunlin acl: .*wrong\.yaml:3: rules\[0\]\.topics is "a\/#\/b": /);
  const topic = await acl(`--rules ${rules} -a publish -t a/+`);
  assert.match(topic.err, /^dunlin acl: Cannot publish to "a\/\+": /);
});

test('asks the rules of a configuration, wherever they stand', async () => {
  const config = join(scratch, 'dunlin.yaml');
  const asked = ['--config', config, '-u', 'ada', '-a', 'publish', '--attribute', 'site=north', '--json'];
  for (const rule of ['rulesFile: rules.yaml', 'rules: [{allow: all, topics: "cameras/{username}/#"}]']) {
    writeFileSync(
      config,
      `authentication: [{method: jwt, algorithms: [HS256], secret: s}]\nauthorization: {${rule}}\n`,
    );
    const { exitCode, out } = await acl('-t cameras/ada/north/x', ...asked);
    assert.equal(exitCode, 0, out);
    assert.equal((await acl('-t other', ...asked)).exitCode, 4);
  }
  writeFileSync(config, 'authorization: {rulesFile: none.yaml}\n');
  assert.match((await acl('-t x', ...asked)).err, /authentication is empty: nobody is asked who they are/);
  writeFileSync(config, 'authentication: [{method: anonymous}]\nauthorization: {rulesFile: none.yaml}\n');
  assert.match((await acl('-t x', ...asked)).err, /none\.yaml.*no such file/);
});

test('knows the groups and attributes that the configuration itself gives', async () => {
  const config = join(scratch, 'groups.yaml');
  writeFileSync(join(scratch, 'passwd'), 'bob:$6$c2FsdA==$aGFzaA==\n');
  const body = `authentication:
  - { method: passwordFile, file: passwd, groups: [people] }
clientIds:
  - { template: "{site}-{deviceId}", equals: { deviceId: "{username}" } }
authorization:
  rules:
    - { allow: publish, topics: "t/{attr.site}", for: { groups: people } }
`;
  writeFileSync(config, body);
  const asked = `--config ${config} -a publish -t t/x`;
  const known = await acl(`${asked} -u bob -i x-bob`);
  assert.equal(known.exitCode, 0, known.err);
  assert.match(known.out, /^ {2}groups: people\n {2}\{attr\.site\}: "x"\n/m);
  const unknown = await acl(`${asked} -u eve -i x-eve`);
  assert.equal(unknown.exitCode, 4);
  assert.match(unknown.out, /no method of the configuration knows the user "eve": it is not let in/);
  writeFileSync(config, body.replace('passwd, groups: [people]', 'gone'));
  assert.match((await acl(`${asked} -u bob -i x-bob`)).err, /Cannot use .*gone/);
});
