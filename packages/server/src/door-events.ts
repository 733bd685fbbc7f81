/** What the doors tell, as events of the server. */
import type { DoorEvents } from './doors.ts';
import type { ServerEvent } from './events.ts';

export function doorEvents(tell: (event: ServerEvent) => void): DoorEvents {
  return {
    method: tell,
    attempt: tell,
    flapping: tell,
    certificate: ({ code, source, message }) => tell({ name: 'certificateWarning', code, source, message }),
    shadow: ({ clientId, username, action, topic, candidate, decidedBy }) =>
      tell({ name: 'shadowDiffers', clientId, username, action, topic, candidate, decidedBy }),
    skippedRule: ({ place, variable, clientId }) => tell({ name: 'ruleSkipped', place, variable, clientId }),
  };
}
