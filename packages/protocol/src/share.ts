/** Shared Subscriptions: `$share/<group>/<filter>` (section 4.8.2). */
import { filterInvalid, hasWildcard } from './topic.ts';
import { wrongWithUtf8 } from './utf8.ts';

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
  const why =
    group === ''
      ? '"$share/<group>/<filter>" is expected [MQTT-4.8.2-1]'
      : rest === '' || hasWildcard(group)
        ? 'a filter must follow a group without wildcards [MQTT-4.8.2-2]'
        : wrongWithUtf8(group);
  if (why !== undefined) throw filterInvalid(filter, why);
  return { group, filter: rest };
}
