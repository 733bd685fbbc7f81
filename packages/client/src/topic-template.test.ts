import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertTopicFilter, assertTopicName, topicMatches } from '@dunlin/protocol';
import fc from 'fast-check';
import { MqttError } from './errors.ts';
import { TopicTemplate } from './topic-template.ts';

function refuses(call: () => unknown, words: RegExp): void {
  assert.throws(call, (error) => error instanceof MqttError && error.code === 'invalid' && words.test(error.message));
}

test('a template is filled, made a filter, and read back', () => {
  const template = new TopicTemplate('player/{key}/request/{id}');
  assert.deepEqual(template.names, ['key', 'id']);
  assert.equal(template.fill({ key: '42', id: 'x y' }), 'player/42/request/x y');
  assert.equal(template.filter(), 'player/+/request/+');
  assert.equal(template.filter({ key: '42' }), 'player/42/request/+');
  assert.deepEqual(template.match('player/42/request/x y'), { key: '42', id: 'x y' });
});

test('a topic of another shape, or with a value that could not have been filled in, does not match', () => {
  const template = new TopicTemplate('player/{key}/status');
  for (const topic of [
    'player/42',
    'player/42/status/x',
    'Player/42/status',
    'player//status',
    'player/a\u0085b/status',
  ])
    assert.equal(template.match(topic), undefined, topic);
});

test('a value that is no level of a Topic Name is refused, wherever it stands', () => {
  const template = new TopicTemplate('player/{key}/status');
  for (const key of ['', 'a/b', '+', '#', 'a+', 'a#', '\0', 'a\n', '\x7f', '\u0085', '\ud800']) {
    refuses(() => template.fill({ key }), /^Cannot fill the template "player\/\{key\}\/status": \{key\} is /);
    refuses(() => template.filter({ key }), /one level of a topic is expected$/);
  }
});

test('a value that is missing or no text is refused, also where the name is one that every object knows', () => {
  refuses(() => new TopicTemplate('a/{key}').fill({} as { key: string }), /\{key\} is undefined/);
  refuses(() => new TopicTemplate('a/{key}').fill({ key: 42 } as unknown as { key: string }), /\{key\} is number/);
  refuses(() => new TopicTemplate<string>('a/{toString}').fill({}), /\{toString\} is undefined/);
});

test('a parameter never leads into the topics of the server [MQTT-4.7.2-1]', () => {
  const template = new TopicTemplate('{root}/{name}');
  refuses(() => template.fill({ root: '$SYS', name: 'x' }), /\{root\} is "\$SYS"/);
  assert.equal(template.match('$SYS/x'), undefined);
  assert.equal(template.fill({ root: 'a', name: '$x' }), 'a/$x');
});

test('a name that an object has of its own stays a plain parameter', () => {
  const params = new TopicTemplate<string>('a/{__proto__}').match('a/x');
  assert.deepEqual(Object.entries(params ?? {}), [['__proto__', 'x']]);
});

test('a template with wildcards or a share name is a filter and not a topic', () => {
  const wide = new TopicTemplate('a/{key}/+/#');
  assert.equal(wide.filter({ key: 'k' }), 'a/k/+/#');
  assert.deepEqual(wide.match('a/k/b/c/d'), { key: 'k' });
  refuses(() => wide.fill({ key: 'k' }), /it is a filter, a topic is expected$/);
  const shared = new TopicTemplate('$share/workers/job/{id}');
  assert.equal(shared.filter(), '$share/workers/job/+');
  assert.deepEqual(shared.match('job/7'), { id: '7' });
  refuses(() => shared.fill({ id: '7' }), /it is a filter/);
});

test('braces that enclose no whole level and names that stand twice are refused', () => {
  for (const text of ['a{b', 'a/}', 'room{n}/x', '{}/a', '{a b}/c', '{a}{b}', '$share/{group}/a']) {
    refuses(() => new TopicTemplate(text), /each "\{name\}" is expected to be a whole level$/);
  }
  refuses(() => new TopicTemplate('{a}/x/{a}'), /each name is expected once$/);
});

const name = fc.stringMatching(/^[a-z_]\w{0,6}$/);
const value = fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => !/[/+#$\p{Cc}]/u.test(text));
const literal = fc.constantFrom('a', '', 'player', '$x', 'ä b');
const level = fc.oneof(fc.record({ literal }), fc.record({ name, value }));

test('what was filled in comes back, its topic is a Topic Name, and every filter of the template matches it', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(level, { selector: (one) => ('name' in one ? one.name : one), minLength: 1 }),
      (levels) => {
        const params = Object.fromEntries(levels.flatMap((one) => ('name' in one ? [[one.name, one.value]] : [])));
        const text = levels.map((one) => ('name' in one ? `{${one.name}}` : one.literal)).join('/');
        fc.pre(text !== '' && !text.startsWith('$'));
        const template = new TopicTemplate<string>(text);
        const topic = template.fill(params);
        assertTopicName(topic);
        assert.deepEqual(template.match(topic), params);
        for (const given of [{}, params]) {
          const filter = template.filter(given);
          assertTopicFilter(filter);
          assert.ok(topicMatches(filter, topic));
        }
      },
    ),
  );
});

test('a template never makes of a value a topic that has more levels, or one that others match', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (key) => {
      const template = new TopicTemplate('a/{key}/b');
      let topic: string;
      try {
        topic = template.fill({ key });
      } catch {
        assert.equal(template.match(`a/${key}/b`), undefined);
        return;
      }
      assertTopicName(topic);
      assert.deepEqual(topic.split('/'), ['a', key, 'b']);
    }),
  );
});

test('a parameter may be called as what every object has', () => {
  for (const name of ['constructor', 'toString', '__proto__']) {
    const template: TopicTemplate = new TopicTemplate(`a/{${name}}`);
    assert.equal(template.filter(), 'a/+');
    assert.throws(() => template.fill({}), { code: 'invalid', message: /is undefined, one level/ });
    assert.equal(template.fill(template.match('a/b') ?? {}), 'a/b');
  }
});
