import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AclRequest, aclHelp, readAclFlags } from './acl-flags.ts';
import { HelpAsked } from './flags.ts';

function testFlags(argv: readonly string[]): AclRequest {
  const request = readAclFlags(argv);
  assert.ok(request.name === 'test');
  return request;
}

const enough = ['test', '--rules', 'r', '-i', 'c', '-t', 'a'];

test('reads who, what and the rules', () => {
  const line =
    'test --rules r.yaml --acl-file acl --broader-filter check -u ada -i c -g ops -g dev --cn x -t a/b -a will -q 1 -r --json';
  const { attributes, ...request } = testFlags([
    ...line.split(' '),
    '--attribute',
    'x=y=z',
    '--attribute',
    '__proto__=p',
  ]);
  assert.deepEqual(request, {
    name: 'test',
    config: undefined,
    rules: 'r.yaml',
    aclFile: 'acl',
    broaderFilter: 'check',
    username: 'ada',
    clientId: 'c',
    commonName: 'x',
    groups: ['ops', 'dev'],
    actions: ['will'],
    topic: 'a/b',
    qos: 1,
    retain: true,
    json: true,
  });
  assert.deepEqual(Object.entries(attributes), [
    ['x', 'y=z'],
    ['__proto__', 'p'],
  ]);
});

test('asks all that can be asked of a topic, of a filter only whether it may be subscribed to', () => {
  assert.deepEqual(testFlags(enough).actions, ['publish', 'will', 'subscribe', 'receive']);
  for (const filter of ['a/#', '$share/g/a'])
    assert.deepEqual(testFlags([...enough, '-t', filter]).actions, ['subscribe']);
});

test('says what is missing, unknown or too much', () => {
  const wrong: [string[], RegExp][] = [
    [[], /^Cannot run dunlin acl alone: expected test or shadow, see dunlin acl --help$/],
    [['list'], /^Cannot run "list": expected test/],
    [[...enough, 'x'], /^Cannot use "x": expected nothing behind test but flags$/],
    [['test', '-i', 'c', '-t', 'a'], /^Cannot run test: expected --rules FILE, --acl-file FILE or --config FILE/],
    [[...enough, '-c', 'f'], /^Cannot use --config beside --rules, --acl-file or --broader-filter/],
    [[...enough, '--data', 'd'], /^Cannot use --data with test: it is for shadow$/],
    [['shadow', 'x'], /^Cannot use "x": expected nothing behind shadow but flags$/],
    [['test', '--rules', 'r', '-t', 'a'], /expected --client ID/],
    [['test', '--rules', 'r', '-i', 'c'], /expected --topic TOPIC/],
    [[...enough, '-q', '3'], /^Cannot use --qos "3": expected one of 0, 1, 2$/],
    [[...enough, '-a', 'read'], /^Cannot use --action "read": expected one of publish, will, subscribe, receive$/],
    [[...enough, '--attribute', '=x'], /^Cannot use --attribute "=x": NAME=VALUE is expected$/],
  ];
  for (const [argv, message] of wrong) assert.throws(() => readAclFlags(argv), { exitCode: 1, message });
});

test('reads of which server the rules that are tried out are asked', () => {
  assert.deepEqual(readAclFlags(['shadow', '-c', 'dunlin.yaml', '--json']), {
    name: 'shadow',
    data: undefined,
    config: 'dunlin.yaml',
    json: true,
  });
});

test('has a help with examples', () => {
  assert.throws(() => readAclFlags(['--help']), HelpAsked);
  assert.match(aclHelp(), /dunlin acl test --rules rules\.yaml/);
});
