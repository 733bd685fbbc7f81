/** The flags of commands that look at a server and leave nothing there: no session, no will, no properties. */

import { type ConnectionFlags, connectionFlagGroups } from './connection-flags.ts';
import type { FlagGroup } from './flags.ts';

/** By their long names; the one of `-A` has none. */
const NOT_FOR_VISITORS: ReadonlySet<string | undefined> = new Set([
  'keepalive',
  'disable-clean-session',
  'session-expiry-interval',
  'property',
  'maximum-packet-size',
  'will-topic',
  'will-payload',
  'will-qos',
  'will-retain',
]);

/** The groups of the table that such a command takes. */
export function visitorFlagGroups(): FlagGroup<ConnectionFlags>[] {
  return connectionFlagGroups([])
    .map(({ title, flags }) => ({ title, flags: flags.filter(({ long }) => !NOT_FOR_VISITORS.has(long)) }))
    .filter(({ flags }) => flags.length > 0)
    .map((group) => (group.title === 'Client and session' ? { ...group, title: 'Client' } : group));
}
