/** Events as they leave the server: a secret that a client sent in place of a name is in none. */
import { withoutSecrets } from '@dunlin/broker';
import type { ServerEvent } from './events.ts';

/** What clients say of themselves, and texts that repeat it. */
const FIELDS = ['username', 'clientId', 'identity', 'deviceId', 'by', 'detail', 'reason', 'error'] as const;

export function shownEvent(event: ServerEvent): ServerEvent {
  const fields = event as Partial<Record<(typeof FIELDS)[number], unknown>>;
  let shown: ServerEvent = event;
  for (const field of FIELDS) {
    const text = fields[field];
    if (typeof text !== 'string') continue;
    const without = withoutSecrets(text);
    if (without !== text) shown = { ...shown, [field]: without };
  }
  return shown;
}
