import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDocument } from 'yaml';
import { ConfigurationDraft } from './mosquitto-draft.ts';

test('writes values in the order in which they were set, with their remarks', () => {
  const draft = new ConfigurationDraft();
  draft.set(['listeners', 0, 'port'], 1883, { line: 3, above: ['a remark', 'of two lines'] });
  draft.set(['listeners', 0, 'paths'], ['/a', '/b'], { line: 4 });
  draft.set(['data'], '/var/lib');
  assert.equal(
    draft.text(['head'], ['tail', '', 'end']),
    [
      '# head',
      '',
      'listeners:',
      '  - # a remark',
      '    # of two lines',
      '    port: 1883 # from line 3',
      '    paths: [/a, /b] # from line 4',
      '',
      'data: /var/lib',
      '',
      '# tail',
      '#',
      '# end',
      '',
    ].join('\n'),
  );
});

test('writes texts so that they mean themselves', () => {
  const texts = ['a: b # c', '${HOME}', "it's", '5.0', 'true', '- x', '"', '{a}', 'a\u0007b'];
  const draft = new ConfigurationDraft();
  draft.set(['texts'], texts);
  const read = parseDocument(draft.text([], [])).toJS() as { texts: string[] };
  assert.deepEqual(read.texts, texts.with(1, '$${HOME}'));
});
