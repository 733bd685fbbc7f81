/** Topic Names and Topic Filters as text: what is well formed and what matches (section 4.7). */
import { MqttError } from './errors.ts';
import { encoder, TEXT_BYTES_MAXIMUM, wrongWithUtf8 } from './utf8.ts';
import { quoted } from './visible-text.ts';

const EMPTY = 'it is empty [MQTT-4.7.3-1]';

/**
 * Checks that a text can be a Topic Name: 1 to 65535 bytes of UTF-8 without wildcard and U+0000 (section 4.7).
 * @throws MqttError 'topic-name-invalid' 0x90
 */
export function assertTopicName(topic: string): void {
  const why = wrongWithText(topic) ?? wrongWithName(topic);
  if (why !== undefined) throw nameInvalid(`publish to ${quoted(topic)}`, why);
}

/**
 * Checks that a text can be a Topic Filter: 1 to 65535 bytes of UTF-8 without U+0000, each wildcard a level of its own
 * and `#` the last (section 4.7.1). Of a shared filter only the part behind `$share/<group>/` is to be given.
 * @throws MqttError 'topic-filter-invalid' 0x8F
 */
export function assertTopicFilter(filter: string): void {
  const why = wrongWithFilter(filter);
  if (why !== undefined) throw filterInvalid(filter, why);
}

/** The fault of a Topic Filter: code 'topic-filter-invalid', Reason Code 0x8F. Returned, not thrown. */
export function filterInvalid(filter: string, why: string): MqttError {
  return new MqttError('topic-filter-invalid', 0x8f, `Cannot subscribe to ${quoted(filter)}: ${why}`);
}

/** Whether `assertTopicFilter` accepts a text. */
export function isTopicFilter(filter: string): boolean {
  return wrongWithFilter(filter) === undefined;
}

/**
 * Checks of a text that is UTF-8 for certain, or will be when it is written, what else a Topic Name needs: it is not
 * empty and holds no wildcard. `field` and `statement` name it and its rule in the error.
 * @throws MqttError 'topic-name-invalid' 0x90
 */
export function checkTopicField(topic: string, field: string, statement?: string): void {
  const why = wrongWithName(topic, statement);
  if (why !== undefined) throw nameInvalid(`use the ${field}`, why);
}

/** Whether a text holds `+` or `#` anywhere. */
export function hasWildcard(text: string): boolean {
  return text.includes('+') || text.includes('#');
}

/** Levels of a name or filter: one more than it has `/`. */
export function topicLevels(topic: string): number {
  let levels = 1;
  for (let at = topic.indexOf('/'); at >= 0; at = topic.indexOf('/', at + 1)) levels += 1;
  return levels;
}

/**
 * Whether a well-formed filter (without `$share/<group>/`) matches a Topic Name, level by level and byte by byte
 * [MQTT-4.7.3-4]. `a/#` matches `a`; a leading wildcard does not match `$…` [MQTT-4.7.2-1].
 */
export function topicMatches(filter: string, topic: string): boolean {
  const wanted = filter.split('/');
  const levels = topic.split('/');
  if (topic.startsWith('$') && (wanted[0] === '+' || wanted[0] === '#')) return false;
  for (let i = 0; i < wanted.length; i++) {
    if (wanted[i] === '#') return true;
    if (i >= levels.length || (wanted[i] !== '+' && wanted[i] !== levels[i])) return false;
  }
  return wanted.length === levels.length;
}

/** What a text that is UTF-8 still has to be. */
function wrongWithName(topic: string, statement = 'MQTT-3.3.2-2'): string | undefined {
  if (topic === '') return EMPTY;
  return hasWildcard(topic) ? `"+" and "#" are wildcards, which belong to filters [${statement}]` : undefined;
}

function nameInvalid(attempt: string, why: string): MqttError {
  return new MqttError('topic-name-invalid', 0x90, `Cannot ${attempt}: ${why}`);
}

function wrongWithText(text: string): string | undefined {
  if (text === '') return EMPTY;
  const { length } = text.length * 3 > TEXT_BYTES_MAXIMUM ? encoder.encode(text) : text;
  if (length > TEXT_BYTES_MAXIMUM) return `it has ${length} bytes, at most ${TEXT_BYTES_MAXIMUM} fit [MQTT-4.7.3-3]`;
  return wrongWithUtf8(text);
}

function wrongWithFilter(filter: string): string | undefined {
  const why = wrongWithText(filter);
  if (why !== undefined) return why;
  const levels = filter.split('/');
  const bad = levels.find((level) => level.length > 1 && hasWildcard(level));
  if (bad !== undefined) return bad.includes('#') ? wildcardIn('#', 1) : wildcardIn('+', 2);
  if (levels.slice(0, -1).includes('#')) return '"#" must be the last level [MQTT-4.7.1-1]';
  return undefined;
}

function wildcardIn(wildcard: string, statement: number): string {
  return `"${wildcard}" must fill a whole level [MQTT-4.7.1-${statement}]`;
}
