/** Topic Names and Topic Filters as text: what is well formed and what matches (section 4.7). */
import { MqttError } from './errors.ts';
import { utf8Length } from './utf8.ts';

function fail(code: 'topic-name-invalid' | 'topic-filter-invalid', verb: string, text: string, why: string): never {
  const shown = JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text);
  throw new MqttError(code, code === 'topic-name-invalid' ? 0x90 : 0x8f, `Cannot ${verb} ${shown}: ${why}`);
}
export function assertTopicName(topic: string): void {
  const bad = (why: string) => fail('topic-name-invalid', 'publish to', topic, why);
  if (topic === '') bad('it is empty [MQTT-4.7.3-1]');
  if (/[+#]/.test(topic)) bad('it has a wildcard [MQTT-3.3.2-2]');
  if (topic.includes('\0')) bad('it has U+0000 [MQTT-4.7.3-2]');
  if (utf8Length(topic) > 65_535) bad('it is longer than 65535 bytes [MQTT-4.7.3-3]');
}
export function assertTopicFilter(filter: string): void {
  const bad = (why: string) => fail('topic-filter-invalid', 'subscribe to', filter, why);
  if (filter === '') bad('it is empty [MQTT-4.7.3-1]');
  if (filter.includes('\0')) bad('it has U+0000 [MQTT-4.7.3-2]');
  if (utf8Length(filter) > 65_535) bad('it is longer than 65535 bytes [MQTT-4.7.3-3]');
  const levels = filter.split('/');
  levels.forEach((level, i) => {
    if (level.includes('#') && level !== '#') bad('"#" must stand alone in its level [MQTT-4.7.1-1]');
    if (level === '#' && i < levels.length - 1) bad('"#" must be the last level [MQTT-4.7.1-1]');
    if (level.includes('+') && level !== '+') bad('"+" must stand alone in its level [MQTT-4.7.1-2]');
  });
}
export function hasWildcard(filter: string): boolean {
  return /[+#]/.test(filter);
}
export function topicLevels(topic: string): number {
  let levels = 1;
  for (let at = topic.indexOf('/'); at >= 0; at = topic.indexOf('/', at + 1)) levels++;
  return levels;
}
