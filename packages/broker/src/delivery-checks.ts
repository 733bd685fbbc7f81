/**
 * What a session may receive. Most sessions may receive all that their subscriptions match, and then nothing is asked
 * of a message; where not, each one is looked at when it comes and again when it is sent.
 */
import { type Entry, mayDrop } from './entry.ts';
import type { Message } from './message.ts';
import type { Permissions } from './ports.ts';
import { plainFilter } from './router.ts';
import type { Session } from './session.ts';
import type { SessionContext } from './session-context.ts';

/** These permissions hold for the session from here on, for its subscriptions and for what waits as well. */
export function permit(session: Session, permissions: Permissions | undefined): void {
  session.permissions = permissions;
  session.checksDeliveries = permissions !== undefined && needsChecks(session, permissions);
}

/** What waits may have come through subscriptions that are gone, under rules that were others. */
function needsChecks(session: Session, permissions: Permissions): boolean {
  if (session.queuedMessages > 0 || session.inflightMessages > 0) return true;
  for (const filter of session.subscriptions?.keys() ?? [])
    if (!permissions.mayReceiveAll(plainFilter(filter))) return true;
  return false;
}

/** The session has a new subscription. */
export function checkDeliveriesOf(session: Session, filter: string): void {
  if (session.permissions?.mayReceiveAll(plainFilter(filter)) === false) session.checksDeliveries = true;
}

/** Whether the session may have messages of this one's topic. */
export function mayReceive({ permissions }: Session, message: Message): boolean {
  return permissions === undefined || permissions.mayReceive(message.topic.name);
}

/** Whether the session may not have the message; then that is counted and told. */
export function isDenied(session: Session, message: Message, context: SessionContext): boolean {
  if (mayReceive(session, message)) return false;
  context.metrics.messagesDroppedDenied += 1;
  context.deliveryDenied(session, message);
  return true;
}

/** Why an entry of a queue is not sent when its turn comes; undefined where it is. Who drops it counts that. */
export function dropReason(
  session: Session,
  entry: Entry,
  context: SessionContext,
): 'messagesExpired' | 'messagesDroppedDenied' | undefined {
  const { message } = entry;
  if (mayDrop(entry) && message.isExpired(context.nowMs)) return 'messagesExpired';
  // At QoS 2 the client may have what was sent already, and its Packet Identifier is only free again at the end.
  if (!session.checksDeliveries || (entry.qos === 2 && entry.sent === 'surely') || mayReceive(session, message))
    return undefined;
  context.deliveryDenied(session, message);
  return 'messagesDroppedDenied';
}
