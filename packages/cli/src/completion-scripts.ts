/** The scripts by which shells complete `dunlin`. */

import { type CompletedCommand, type CompletedFlag, spellings } from './completion-model.ts';

const TOOL_FLAGS = ['--help', '--version'];

/** For bash 4 and newer. */
export function bashScript(commands: readonly CompletedCommand[]): string {
  const names = commands.map(({ name }) => name);
  return [
    '# Completion of dunlin for bash; load it with: source <(dunlin completion bash)',
    '_dunlin() {',
    '  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} words=',
    '  COMPREPLY=()',
    '  # bash divides --flag=value into three words.',
    '  if [[ $cur == = ]]; then cur=',
    '  elif [[ $prev == = ]]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi',
    '  if (( COMP_CWORD == 1 )); then',
    `    mapfile -t COMPREPLY < <(compgen -W ${quoted([...names, 'help', ...TOOL_FLAGS].join(' '))} -- "$cur")`,
    '    return',
    '  fi',
    '  case "${COMP_WORDS[1]} $prev" in',
    ...commands.flatMap(bashValues),
    '  esac',
    '  case "${COMP_WORDS[1]}" in',
    `    help) words=${quoted(names.join(' '))} ;;`,
    ...commands.map(bashWords),
    '  esac',
    '  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")',
    '}',
    'complete -F _dunlin dunlin',
    '',
  ].join('\n');
}

const BASH_VALUES = {
  file: 'compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return',
  directory: 'compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$cur"); return',
  other: 'return',
};

function bashValues({ name, flags }: CompletedCommand): string[] {
  return flags.flatMap((flag) => {
    if (flag.value === 'none') return [];
    const patterns = spellings(flag).map((spelling) => quoted(`${name} ${spelling}`));
    const values = typeof flag.value === 'string' ? BASH_VALUES[flag.value] : `words=${quoted(flag.value.join(' '))}`;
    const reply = 'mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur"); return';
    return [`    ${patterns.join('|')}) ${typeof flag.value === 'string' ? values : `${values}; ${reply}`} ;;`];
  });
}

function bashWords({ name, actions, takesFiles, flags }: CompletedCommand): string {
  const words = [...actions, ...flags.flatMap(spellings)].join(' ');
  const files = takesFiles
    ? `[[ $cur != -* ]] && { compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -W ${quoted(actions.join(' '))} -- "$cur"); return; }; `
    : '';
  return `    ${name}) ${files}words=${quoted(words)} ;;`;
}

/** For zsh 5: also as a file `_dunlin` in a directory of `$fpath`. */
export function zshScript(commands: readonly CompletedCommand[]): string {
  return [
    '#compdef dunlin',
    '# Completion of dunlin for zsh; load it with: source <(dunlin completion zsh)',
    '_dunlin() {',
    '  local -a commands',
    '  commands=(',
    ...commands.map(({ name, summary }) => `    ${quoted(`${name}:${summary}`)}`),
    '  )',
    '  if (( CURRENT == 2 )); then',
    '    _describe -t commands command commands',
    `    compadd -- help ${TOOL_FLAGS.join(' ')}`,
    '    return',
    '  fi',
    '  local command=$words[2]',
    '  shift words',
    '  (( CURRENT-- ))',
    '  case $command in',
    `    help) compadd -- ${commands.map(({ name }) => name).join(' ')} ;;`,
    ...commands.flatMap(zshCommand),
    '  esac',
    '}',
    'if [[ $funcstack[1] == _dunlin ]]; then _dunlin "$@"; else compdef _dunlin dunlin; fi',
    '',
  ].join('\n');
}

function zshCommand({ name, actions, takesFiles, flags }: CompletedCommand): string[] {
  const specifications = flags.flatMap((flag) => spellings(flag).map((spelling) => quoted(zshFlag(flag, spelling))));
  const first = actions.length > 0 ? [quoted(`1:action:(${actions.join(' ')})`)] : [];
  const rest = takesFiles ? [quoted('*:file:_files')] : [];
  return [
    `    ${name}) _arguments -s \\`,
    ...[...specifications, ...first, ...rest].map((one) => `      ${one} \\`),
    '    ;;',
  ];
}

/** Every flag may stand again: some add up, and of the others the last one counts. */
function zshFlag({ help, value }: CompletedFlag, spelling: string): string {
  const text = help.replace(/[[\]\\:]/g, '\\$&');
  return `*${spelling}[${text}]${zshValue(value)}`;
}

function zshValue(value: CompletedFlag['value']): string {
  if (value === 'none') return '';
  if (value === 'file') return ':file:_files';
  if (value === 'directory') return ':directory:_files -/';
  return value === 'other' ? ':value: ' : `:value:(${value.join(' ')})`;
}

/** For fish 3: also as a file `dunlin.fish` in its directory of completions. */
export function fishScript(commands: readonly CompletedCommand[]): string {
  const isFirst = "-n '__fish_is_first_token'";
  return [
    '# Completion of dunlin for fish; load it with: dunlin completion fish | source',
    'complete -c dunlin -e',
    'complete -c dunlin -f',
    ...commands.map(({ name, summary }) => `complete -c dunlin ${isFirst} -a ${name} -d ${fishQuoted(summary)}`),
    `complete -c dunlin ${isFirst} -a help`,
    ...TOOL_FLAGS.map((flag) => `complete -c dunlin ${isFirst} -l ${flag.slice(2)}`),
    ...commands.flatMap(fishCommand),
    '',
  ].join('\n');
}

function fishCommand({ name, actions, takesFiles, flags }: CompletedCommand): string[] {
  const start = `complete -c dunlin -n '__fish_seen_subcommand_from ${name}'`;
  return [
    ...(actions.length > 0 ? [`${start} -a ${fishQuoted(actions.join(' '))}`] : []),
    ...(takesFiles ? [`${start} -F`] : []),
    ...flags.map(({ short, long, help, value }) =>
      [
        start,
        ...(short === undefined ? [] : [`-s ${short}`]),
        ...(long === undefined ? [] : [`-l ${long}`]),
        ...fishValue(value),
        `-d ${fishQuoted(help)}`,
      ].join(' '),
    ),
  ];
}

function fishValue(value: CompletedFlag['value']): string[] {
  if (value === 'none') return [];
  if (value === 'file') return ['-r -F'];
  if (value === 'directory') return ["-x -a '(__fish_complete_directories)'"];
  return value === 'other' ? ['-x'] : [`-x -a ${fishQuoted(value.join(' '))}`];
}

/** A word of bash and zsh that stands for itself. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function fishQuoted(text: string): string {
  return `'${text.replace(/['\\]/g, '\\$&')}'`;
}
