/** A message as one line of JSON: `dunlin sub --json`. */

import type { Properties } from '@dunlin/protocol';
import { exactJson } from './exact-json.ts';
import { exactText, type ShownMessage } from './shown-message.ts';
import type { Moment } from './strftime.ts';

/**
 * The line, without a newline. Always these keys in this order: `time` (of receipt, UTC with microseconds), `topic`,
 * `qos`, `retain`, `bytes` (length of the payload), `encoding`, `payload`, `properties`.
 *
 * `encoding` says what `payload` is: `json` the value itself with every number in the digits it came in, `text` a
 * string, `base64` a string where the bytes are no UTF-8. `properties` has the names of the standard in camel case;
 * `userProperties` is a list of pairs, `correlationData` is base64, absent ones are left out.
 */
export function jsonLine(message: ShownMessage, moment: Moment): string {
  const { topic, qos, retain, payload, properties } = message;
  return JSON.stringify({
    time: utcTime(moment),
    topic,
    qos,
    retain,
    bytes: payload.length,
    ...encoded(message),
    properties: plain(properties),
  });
}

function encoded(message: ShownMessage): { encoding: string; payload: unknown } {
  const text = exactText(message);
  if (text === undefined) return { encoding: 'base64', payload: base64(message.payload) };
  try {
    return { encoding: 'json', payload: exactJson(text) };
  } catch {
    return { encoding: 'text', payload: text };
  }
}

function plain({ correlationData, ...others }: Properties): object {
  return correlationData === undefined ? others : { ...others, correlationData: base64(correlationData) };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64');
}

function utcTime({ epochMs, nanoseconds }: Moment): string {
  const seconds = new Date(epochMs).toISOString().slice(0, 19);
  return `${seconds}.${String(Math.floor(nanoseconds / 1000)).padStart(6, '0')}Z`;
}
