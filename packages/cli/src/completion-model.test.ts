import assert from 'node:assert/strict';
import { test } from 'node:test';
import { completedCommand, serveCommand, spellings } from './completion-model.ts';
import type { CommandPage } from './flags.ts';

const set = (): void => {};
const page: CommandPage = {
  help: {
    name: 'dunlin thing',
    summary: 'does it',
    usage: ['dunlin thing [list] [flags]', 'dunlin thing add FILE', 'dunlin thing a|b -o FILE'],
    examples: [],
  },
  groups: [
    {
      title: 'Flags',
      flags: [
        { short: 'q', long: 'qos', values: ['QOS'], help: 'how well', set },
        { long: 'handling', values: ['0|1|2'], help: '', set },
        { short: 'V', values: ['VERSION'], choices: ['5', '311'], help: '', set },
        { long: 'out', values: ['DIR'], help: '', set },
        { short: 'D', values: ['PACKET', 'PROPERTY', 'VALUE'], help: '', set },
        { short: 'v', help: '', set },
      ],
    },
  ],
};

test('actions come from the usage, values from the names of the flags', () => {
  const { actions, takesFiles, flags } = completedCommand('thing', 'does it', page);
  assert.deepEqual([actions, takesFiles], [['list', 'add', 'a', 'b'], true]);
  assert.deepEqual(
    flags.map(({ value }) => value),
    [['0', '1', '2'], ['0', '1', '2'], ['5', '311'], 'directory', 'other', 'none'],
  );
});

test('a file behind a flag is no loose word, and a usage of flags has no actions', () => {
  const usage = ['dunlin thing -f FILE [flags]', 'dunlin thing --respond -t FILTER'];
  const { actions, takesFiles } = completedCommand('thing', '', { ...page, help: { ...page.help, usage } });
  assert.deepEqual([actions, takesFiles], [[], false]);
});

test('the table of the server says the same in its own words', () => {
  const { flags } = serveCommand('', [
    { short: 'c', long: 'config', value: 'FILE', description: 'Configuration.' },
    { long: 'help', description: 'Help.' },
  ]);
  assert.deepEqual(
    flags.map((flag) => [spellings(flag), flag.value]),
    [
      [['-c', '--config'], 'file'],
      [['--help'], 'none'],
    ],
  );
});
