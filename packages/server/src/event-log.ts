/** From events to log lines: every event once, at its level, with its fields. */
import { reasonCodeName } from '@dunlin/protocol';
import { SERVER_EVENTS, type ServerEvent } from './events.ts';
import type { Log, LogFields } from './log.ts';

/** Logs an event under its name, all its fields as they are; a Reason Code also by its name, and what to do about it. */
export function logEvent(log: Log, event: ServerEvent): void {
  const { level, remedy } = SERVER_EVENTS[event.name];
  if (!log.writes(level)) return;
  const { name, ...fields } = event;
  log.log(level, name, { ...withReasonName(fields), ...(remedy !== undefined && { remedy }) });
}

function withReasonName(fields: LogFields): LogFields {
  const { reasonCode, reason } = fields;
  if (typeof reasonCode !== 'number' || (reason !== undefined && reason !== '')) return fields;
  return { ...fields, reason: reasonCodeName(reasonCode) };
}
