/** Explains what an Authorizer decides about one client and one topic, for people who wonder. */
import type { Authorizer, PermittedAction, Principal } from '@dunlin/broker';
import { assertTopicFilter, assertTopicName, parseSharedFilter, type QoS, reasonCodeName } from '@dunlin/protocol';

export interface AccessQuestion {
  /** Undefined where everything is allowed. */
  readonly authorizer: Authorizer | undefined;
  readonly principal: Principal;
  readonly clientId: string;
  readonly action: PermittedAction;
  /** A Topic Name; with `subscribe` a Topic Filter, which may be shared. */
  readonly topic: string;
  readonly qos: QoS;
  /** Of `publish` and `will`. */
  readonly retain: boolean;
}

export interface AccessReport {
  readonly isAllowed: boolean;
  /** What a 5.0 client would get: 0x00, the granted QoS, or the refusal. */
  readonly reasonCode: number;
  /** The name of a refusal in the standard; undefined where it is allowed. */
  readonly refusal: string | undefined;
  /** Of `subscribe`: each message is checked at delivery, since the filter is wider than what is allowed. */
  readonly isCheckedAtDelivery: boolean;
  /** The rule that decides, with its place. */
  readonly decidedBy: string;
}

/**
 * Asks as the broker would.
 * @throws MqttError where the topic or filter is not well formed
 */
export function explainAccess(question: AccessQuestion): AccessReport {
  const { authorizer, principal, clientId, action, topic, qos, retain } = question;
  const name = action === 'subscribe' ? (parseSharedFilter(topic)?.filter ?? topic) : topic;
  if (action === 'subscribe') assertTopicFilter(name);
  else assertTopicName(name);
  const permissions = authorizer?.permissions(clientId, principal);
  if (permissions === undefined)
    return {
      isAllowed: true,
      reasonCode: action === 'subscribe' ? qos : 0,
      refusal: undefined,
      isCheckedAtDelivery: false,
      decidedBy: 'there are no rules: everything is allowed',
    };
  const reasonCode = {
    publish: () => permissions.mayPublish(name, qos, retain),
    will: () => permissions.mayLeaveWill(name, qos, retain),
    subscribe: () => permissions.maySubscribe(name, qos),
    receive: () => (permissions.mayReceive(name) ? 0 : 0x87),
  }[action]();
  const isAllowed = reasonCode < 0x80;
  return {
    isAllowed,
    reasonCode,
    refusal: isAllowed ? undefined : reasonCodeName(reasonCode),
    isCheckedAtDelivery: action === 'subscribe' && isAllowed && !permissions.mayReceiveAll(name),
    decidedBy: permissions.explain(action, name, qos, retain),
  };
}
