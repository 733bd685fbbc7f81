/** Shared Subscriptions: `$share/<group>/<filter>` (section 4.8.2). */
import { filterInvalid, hasWildcard } from './topic.ts';

const PREFIX = '$share/';

/** A shared filter in its parts. */
export interface SharedFilter {
  readonly group: string;
  /** What topics are compared with; still to be checked by `assertTopicFilter`. */
  readonly filter: string;
}

/**
 * Takes a shared filter apart; undefined where the filter is not shared.
 * @throws MqttError 'topic-filter-invalid' 0x8F where the group is missing [MQTT-4.8.2-1] or holds a wildcard, or no
 *   filter follows it [MQTT-4.8.2-2]
 */
export function parseSharedFilter(filter: string): SharedFilter | undefined {
  if (!filter.startsWith(PREFIX) && filter !== '$share') return undefined;
  const group = filter.slice(PREFIX.length).split('/', 1)[0];
  const rest = filter.slice(PREFIX.length + group.length + 1);
  if (group === '') throw filterInvalid(filter, '"$share/<group>/<filter>" is expected [MQTT-4.8.2-1]');
  if (hasWildcard(group)) throw filterInvalid(filter, 'the group must hold no wildcard [MQTT-4.8.2-2]');
  if (group.includes('\0')) throw filterInvalid(filter, 'U+0000 is not allowed [MQTT-4.7.3-2]');
  if (rest === '') throw filterInvalid(filter, 'a filter must follow the group [MQTT-4.8.2-2]');
  return { group, filter: rest };
}
