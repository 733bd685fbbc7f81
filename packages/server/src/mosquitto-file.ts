/** Reads the text of a mosquitto.conf: options with their lines, as Mosquitto itself divides them. */
import { quoted } from '@dunlin/protocol';
import { ConfigurationError } from './configuration.ts';
import { hint, Problems } from './configuration-reading.ts';
import { MOSQUITTO_OPTIONS, mosquittoOption } from './mosquitto-options.ts';

/** One option that was given. */
export interface GivenOption {
  readonly name: string;
  /** What stands behind the name, without blanks around it; never empty. */
  readonly value: string;
  /** From 1. */
  readonly line: number;
}

const charactersMax = 4 * 1024 * 1024;

/**
 * The options of a text in their order. `file` is the name shown in problems.
 * @throws ConfigurationError with file and line of every option that Mosquitto does not know or that has no value
 */
export function parseMosquittoFile(text: string, file: string): readonly GivenOption[] {
  if (text.length > charactersMax)
    throw new ConfigurationError([
      `Cannot read ${file}: it has ${text.length} characters, at most ${charactersMax} are expected`,
    ]);
  const problems = new Problems();
  const options = linesOf(text).filter(({ name, value, line }) => {
    const problem = problemOf(name, value);
    if (problem !== undefined) problems.add(`${file}:${line}: ${problem}`);
    return problem === undefined;
  });
  problems.throwIfAny();
  return options;
}

/** Whether a text that is no configuration of ours was written for Mosquitto. */
export function looksLikeMosquitto(text: string): boolean {
  if (text.length > charactersMax) return false;
  const lines = linesOf(text);
  const known = lines.filter(({ name, value }) => mosquittoOption(name) !== undefined && value !== '');
  return known.length > 0 && known.length * 2 > lines.length;
}

/** Only a `#` at the very start of a line makes a comment, and only blanks divide name and value. */
function linesOf(text: string): GivenOption[] {
  return text.split(/\r*\n/).flatMap((written, index) => {
    const line = written.replace(/\r+$/, '').replace(/^ +/, '');
    if (written.startsWith('#') || line.trim() === '') return [];
    const blank = line.indexOf(' ');
    const name = blank < 0 ? line : line.slice(0, blank);
    return [{ name, value: blank < 0 ? '' : line.slice(blank).trim(), line: index + 1 }];
  });
}

function problemOf(name: string, value: string): string | undefined {
  if (name === 'include_dir')
    return (
      'include_dir is not followed: one file is expected, such as that of ' +
      '"grep -v ^include_dir mosquitto.conf | cat - conf.d/*.conf > whole.conf"'
    );
  if (mosquittoOption(name) === undefined) {
    const names = [...MOSQUITTO_OPTIONS.keys()];
    return `${quoted(name)} is unknown: ${hint(name, names, 'an option of Mosquitto 2.0 or 2.1 is expected')}`;
  }
  return value === '' ? `${name} has no value: one is expected behind it` : undefined;
}

const NUMBER = /^[+-]?(?:0x[\da-f]{1,8}|\d{1,19})$/i;
/** What Mosquitto itself takes. */
const NUMBER_MAX = 0x7fffffff;

/** Reads values; a value that cannot be is a problem of its line. */
export class MosquittoValues {
  readonly #file: string;
  readonly #problems: Problems;
  /** The same value may be read for two purposes. */
  readonly #told = new Set<string>();

  constructor(file: string, problems: Problems) {
    this.#file = file;
    this.#problems = problems;
  }

  /** Undefined where it is none, which was told. */
  number(option: GivenOption): number | undefined {
    const word = wordOf(option);
    const value = NUMBER.test(word) ? Number(word) : Number.NaN;
    const { least = -NUMBER_MAX, most = NUMBER_MAX, zero } = mosquittoOption(option.name)?.range ?? {};
    if ((value >= least && value <= most) || (zero && value === 0)) return value;
    const from = least < 0 ? '' : `from ${least} `;
    return this.wrong(option, `a whole number ${from}up to ${most}${zero ? ', or 0,' : ''}`);
  }

  switch(option: GivenOption): boolean | undefined {
    const word = wordOf(option);
    if (word === 'true' || word === '1') return true;
    if (word === 'false' || word === '0') return false;
    return this.wrong(option, 'true or false');
  }

  /** What a word stands for. */
  choice<Meaning>(option: GivenOption, choices: Readonly<Record<string, Meaning>>): Meaning | undefined {
    const word = wordOf(option);
    if (Object.hasOwn(choices, word)) return choices[word];
    return this.wrong(option, `one of ${Object.keys(choices).join(', ')}`);
  }

  wrong({ name, value, line }: GivenOption, expected: string): undefined {
    this.#tell(`${this.#file}:${line}: ${name} is ${quoted(value)}: ${expected} is expected`);
  }

  problem({ line }: GivenOption, problem: string): void {
    this.#tell(`${this.#file}:${line}: ${problem}`);
  }

  #tell(problem: string): void {
    if (!this.#told.has(problem)) this.#problems.add(problem);
    this.#told.add(problem);
  }
}

/** The first word of a value; what follows it counts only where a text may hold blanks. */
export function wordOf({ value }: GivenOption): string {
  return value.split(' ', 1)[0];
}
