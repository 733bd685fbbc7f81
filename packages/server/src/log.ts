/** The log: one line an event, for people or as JSON, bounded in lines a second, safe to show whatever clients are called. */
import type { Clock, Timer } from '@dunlin/broker';
import { visible } from '@dunlin/protocol';
import type { LogLevel } from './configuration.ts';
import { LOG_LEVELS } from './configuration-table.ts';
import type { LogLine } from './log-destination.ts';

export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

export interface LogOptions {
  /** Least level that is written. */
  readonly level: LogLevel;
  readonly format: 'human' | 'json';
  /** For people: colour the level. */
  readonly colour: boolean;
  readonly clock: Clock;
  /** Takes the lines of one turn together. */
  readonly write: (lines: readonly LogLine[]) => void;
}

/** Lines of one event a second; what is beyond is counted and told in one line. */
const linesPerSecondMax = 50;
/** Of all events together; errors are few and always have their place. */
const linesOfAllPerSecondMax = 200;
/** Of each event in a second, however many others there are: a storm of one must not hide a single ban. */
const linesReservedPerSecond = 5;
const secondMs = 1_000;
/** As written: an escaped character counts as what stands for it. */
const textCharactersMax = 300;
const longTextCharactersMax = 4_000;
/** Fields that say more than one thing. */
const longTexts: ReadonlySet<string> = new Set(['error', 'clients']);
const eventWidth = 20;

const COLOURS: Readonly<Record<LogLevel, string>> = { debug: '2', info: '36', warn: '33', error: '31' };

/**
 * Writes events as lines, gathered over a turn of the event loop so that a storm of connections costs few writes.
 *
 * At most 50 lines a second are written of each event and 200 of all, errors and the first 5 of each event not counted.
 * Texts are shortened and lose characters that a terminal would obey; who logs sees to it that no payload and no password
 * is among the fields.
 */
export class Log {
  readonly #options: LogOptions;
  #levelMin = 0;
  readonly #counts = new Map<string, { level: LogLevel; lines: number; leftOut: number }>();
  #linesOfAll = 0;
  #secondEndsAtMs = 0;
  #secondTimer: Timer | undefined;
  #lines: LogLine[] = [];

  constructor(options: LogOptions) {
    this.#options = options;
    this.level = options.level;
  }

  /** Another least level counts from now on. */
  set level(level: LogLevel) {
    this.#levelMin = LOG_LEVELS.indexOf(level);
  }

  /** Whether a line of this level would be written. */
  writes(level: LogLevel): boolean {
    return LOG_LEVELS.indexOf(level) >= this.#levelMin;
  }

  /** Logs an event under its camelCase name. No field takes the place of `time`, `level` or `event`: those are the log's. */
  log(level: LogLevel, event: string, fields: LogFields = {}): void {
    if (!this.writes(level)) return;
    const nowMs = this.#options.clock.nowMs();
    if (nowMs >= this.#secondEndsAtMs) this.#nextSecond(nowMs);
    if (this.#hasRoom(level, event)) this.#add(nowMs, level, event, fields);
  }

  /** Writes what has gathered, now. */
  flush(): void {
    const lines = this.#lines;
    if (lines.length === 0) return;
    this.#lines = [];
    this.#options.write(lines);
  }

  #hasRoom(level: LogLevel, event: string): boolean {
    let count = this.#counts.get(event);
    if (count === undefined) {
      count = { level, lines: 0, leftOut: 0 };
      this.#counts.set(event, count);
    }
    const hasPlace = level === 'error' || count.lines < linesReservedPerSecond;
    if (count.lines < linesPerSecondMax && (hasPlace || this.#linesOfAll < linesOfAllPerSecondMax)) {
      count.lines++;
      if (!hasPlace) this.#linesOfAll++;
      return true;
    }
    count.leftOut++;
    this.#secondTimer ??= this.#options.clock.every(secondMs, () => this.#nextSecond(this.#options.clock.nowMs()));
    return false;
  }

  /** Tells what was left out in the second that is over, and counts from zero. */
  #nextSecond(nowMs: number): void {
    this.#secondTimer?.cancel();
    this.#secondTimer = undefined;
    this.#secondEndsAtMs = nowMs + secondMs;
    for (const [event, { level, leftOut }] of this.#counts)
      if (leftOut > 0) this.#add(nowMs, level, 'linesLeftOut', { of: event, count: leftOut });
    this.#counts.clear();
    this.#linesOfAll = 0;
  }

  #add(nowMs: number, level: LogLevel, event: string, fields: LogFields): void {
    if (this.#lines.length === 0) this.#options.clock.endOfTurn(() => this.flush());
    const { format, colour } = this.#options;
    const text =
      format === 'json' ? jsonLine(nowMs, level, event, fields) : humanLine(nowMs, level, event, fields, colour);
    this.#lines.push({ level, text });
  }
}

function jsonLine(nowMs: number, level: LogLevel, event: string, fields: LogFields): string {
  const own = { time: new Date(nowMs).toISOString(), level, event };
  const line: Record<string, unknown> = { ...own };
  for (const [name, value] of Object.entries(fields))
    line[name] = typeof value === 'string' ? shortened(name, value) : value;
  Object.assign(line, own);
  return visible(JSON.stringify(line));
}

function humanLine(nowMs: number, level: LogLevel, event: string, fields: LogFields, colour: boolean): string {
  const shownLevel = colour ? `\u001b[${COLOURS[level]}m${level.padEnd(5)}\u001b[0m` : level.padEnd(5);
  const parts = [localTime(new Date(nowMs)), shownLevel, words(event).padEnd(eventWidth)];
  for (const [name, value] of Object.entries(fields))
    if (value !== undefined) parts.push(`${name}=${shownValue(name, value)}`);
  return parts.join(' ').trimEnd();
}

function shownValue(name: string, value: string | number | boolean): string {
  if (typeof value !== 'string') return name === 'reasonCode' ? hexadecimal(Number(value)) : String(value);
  const text = shortened(name, value);
  return /^[\w./:@+$#*[\]-]+$/.test(text) ? text : visible(JSON.stringify(text));
}

function hexadecimal(code: number): string {
  return `0x${code.toString(16).toUpperCase().padStart(2, '0')}`;
}

function shortened(name: string, text: string): string {
  const most = longTexts.has(name) ? longTextCharactersMax : textCharactersMax;
  const end = endWithin(text, most);
  return end < text.length ? `${text.slice(0, end)}… (${text.length} characters)` : text;
}

/** Index behind the last whole character that fits when it is written: escaping may make twelve of one. */
function endWithin(text: string, most: number): number {
  // Most texts are short, and then nothing can be too long.
  if (text.length * 6 <= most) return text.length;
  let end = 0;
  let written = 0;
  for (const character of text) {
    written += visible(JSON.stringify(character)).length - 2;
    if (written > most) break;
    end += character.length;
  }
  return end;
}

/** `clientConnected` reads `client connected`. */
function words(event: string): string {
  return event.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

function localTime(time: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  const second = `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
  return `${day} ${second}.${String(time.getMilliseconds()).padStart(3, '0')}`;
}
