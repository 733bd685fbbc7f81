/** Shared Subscriptions: `$share/<group>/<filter>` (section 4.8.2). */
import { MqttError } from './errors.ts';
export function parseSharedFilter(filter: string): { group: string; filter: string } | undefined {
  if (filter !== '$share' && !filter.startsWith('$share/')) return undefined;
  const slash = filter.indexOf('/', 7);
  const group = slash < 0 ? filter.slice(7) : filter.slice(7, slash);
  const rest = slash < 0 ? '' : filter.slice(slash + 1);
  if (group === '' || rest === '' || /[+#]/.test(group))
    throw new MqttError('topic-filter-invalid', 0x8f, `Cannot subscribe to "${filter.slice(0, 100)}": "$share/<group>/<filter>" is expected [MQTT-4.8.2-1]`);
  return { group, filter: rest };
}
