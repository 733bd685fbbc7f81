/** A received message as one JSON text: `%j` and `%J` of `dunlin sub`. */

import type { Properties } from '@dunlin/protocol';
import { exactJson } from './exact-json.ts';
import { payloadText, type ShownMessage } from './shown-message.ts';
import { isoTimeMicroseconds, type Moment } from './strftime.ts';

/** `%J` met a payload that is no JSON. */
export class PayloadNotJson extends Error {
  override readonly name = 'PayloadNotJson';

  constructor(topic: string) {
    super(`Cannot print the message on "${topic}" with %J: its payload is not JSON`);
  }
}

/** How to write the message. */
export interface MessageJsonOptions {
  /** True: the payload stands as the JSON value it is; false: as a string. */
  readonly parsePayload: boolean;
  /** True: indented, several lines. */
  readonly pretty: boolean;
}

/**
 * The JSON text: `tst`, `topic`, `qos`, `retain`, `payloadlen`, `mid` (QoS above 0), `properties` (if any), `payload`.
 *
 * User Properties stand as an object, so the last of a repeated name wins. One Subscription Identifier is a number,
 * several are a list. Throws `PayloadNotJson`.
 */
export function messageJson(message: ShownMessage, moment: Moment, options: MessageJsonOptions): string {
  const fields: Record<string, unknown> = {
    tst: isoTimeMicroseconds(moment),
    topic: message.topic,
    qos: message.qos,
    retain: message.retain ? 1 : 0,
    payloadlen: message.payload.length,
  };
  if (message.packetId !== 0) fields['mid'] = message.packetId;
  const properties = jsonProperties(message);
  if (Object.keys(properties).length > 0) fields['properties'] = properties;
  fields['payload'] = options.parsePayload ? jsonPayload(message) : textPayload(message);
  return JSON.stringify(fields, undefined, options.pretty ? 2 : undefined);
}

function textPayload(message: ShownMessage): string | null {
  return message.payload.length === 0 ? null : payloadText(message);
}

/** The payload's value with every number in the digits it came in, so that none is rounded. */
function jsonPayload(message: ShownMessage): unknown {
  if (message.payload.length === 0) return null;
  try {
    return exactJson(payloadText(message));
  } catch {
    throw new PayloadNotJson(message.topic);
  }
}

/** What each property is in JSON, by the name of the standard in lower case with hyphens; others are left out. */
const PROPERTIES: Readonly<Record<string, (properties: Properties) => readonly [name: string, value: unknown]>> = {
  userProperties: ({ userProperties = [] }) => ['user-properties', Object.fromEntries(userProperties)],
  contentType: ({ contentType }) => ['content-type', contentType],
  correlationData: ({ correlationData }) => ['correlation-data', new TextDecoder().decode(correlationData)],
  payloadFormatIndicator: ({ payloadFormatIndicator }) => ['payload-format-indicator', payloadFormatIndicator],
  responseTopic: ({ responseTopic }) => ['response-topic', responseTopic],
  messageExpiryInterval: ({ messageExpiryInterval }) => ['message-expiry-interval', messageExpiryInterval],
  topicAlias: ({ topicAlias }) => ['topic-alias', topicAlias],
  subscriptionIdentifiers: ({ subscriptionIdentifiers = [] }) => {
    const [first, ...more] = subscriptionIdentifiers;
    return ['subscription-identifier', more.length === 0 ? first : subscriptionIdentifiers];
  },
};

/** In the order in which they came. */
function jsonProperties({ properties }: ShownMessage): Record<string, unknown> {
  const known = Object.keys(properties).filter((key) => Object.hasOwn(PROPERTIES, key));
  return Object.fromEntries(known.map((key) => PROPERTIES[key](properties)));
}
