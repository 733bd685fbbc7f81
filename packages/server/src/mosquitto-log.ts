/** Where and what a mosquitto.conf logs, as `log`. */
import type { LogLevel } from './configuration.ts';
import type { ImportContext } from './mosquitto-context.ts';
import { type GivenOption, wordOf } from './mosquitto-file.ts';

/** The level with which a type is logged here. */
const LEVELS: Readonly<Record<string, LogLevel | 'none'>> = {
  none: 'none',
  error: 'error',
  warning: 'warn',
  notice: 'info',
  information: 'info',
  subscribe: 'info',
  unsubscribe: 'info',
  websockets: 'info',
  internal: 'debug',
  debug: 'debug',
  all: 'debug',
};
const LEAST_FIRST: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];
const PLACES = {
  stdout: 'stdout',
  stderr: 'stderr',
  syslog: 'syslog',
  file: 'file',
  topic: 'topic',
  none: 'none',
} as const;
const OTHER_PLACES = { dlt: 'dlt', android: 'android' } as const;

export function importLog(context: ImportContext): void {
  const { general } = context.sections;
  importPlaces(context, general.all('log_dest'));
  importLevel(context, general.all('log_type'));
}

function importPlaces(context: ImportContext, options: readonly GivenOption[]): void {
  let places: string[] = [];
  let file: { readonly option: GivenOption; readonly path: string } | undefined;
  for (const option of options) {
    const place = context.values.choice(option, { ...PLACES, ...OTHER_PLACES });
    if (place === 'none') {
      places = [];
      file = undefined;
      context.lost(option, 'there is always a log: start dunlin with 2>/dev/null, or take log.level error');
    } else if (place === 'topic') context.lost(option, 'the log is not published: send it to syslog or a file');
    else if (place === 'dlt' || place === 'android') context.lost(option, 'send the log to syslog or a file');
    else if (place === 'file') {
      const path = option.value.slice(wordOf(option).length).trim();
      if (path === '') context.values.wrong(option, 'the path of a file behind "file"');
      else file = { option, path };
      places.push(place);
    } else if (place !== undefined) places.push(place);
  }
  const [line] = options.map((option) => option.line);
  const isDefault = places.every((place) => place === (file === undefined ? 'stderr' : 'file'));
  if (!isDefault) context.draft.set(['log', 'to'], [...new Set(places)], { line });
  if (file !== undefined)
    context.draft.set(['log', 'file'], context.path(file.option, file.path), { line: file.option.line });
}

function importLevel(context: ImportContext, options: readonly GivenOption[]): void {
  let levels: LogLevel[] = [];
  for (const option of options) {
    const level = context.values.choice(option, LEVELS);
    if (level === 'none') levels = [];
    else if (level !== undefined) levels.push(level);
  }
  const [first] = options;
  if (first === undefined) return;
  if (levels.length === 0) context.lost(first, 'errors are logged still');
  const level = LEAST_FIRST.find((name) => levels.includes(name)) ?? 'error';
  context.draft.set(['log', 'level'], level, { line: first.line });
}
