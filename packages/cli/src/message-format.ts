/** The output format of `dunlin sub -F`: a text with `%`, `@` and `\` sequences, compiled once, then run per message. */

import { visible } from '@dunlin/protocol';
import { usageError } from './exit-codes.ts';
import { messageJson } from './message-json.ts';
import type { ShownMessage } from './shown-message.ts';
import { convert, isConversion, isoTime, type Moment } from './strftime.ts';

/** Makes the bytes of one message. Throws `PayloadNotJson` where `%J` meets a payload that is no JSON. */
export type MessageFormat = (message: ShownMessage, moment: Moment) => Buffer;

/** Flags, field width and maximum width between `%` and its letter. */
interface Layout {
  readonly left: boolean;
  readonly zero: boolean;
  readonly width: number;
  /** Infinity: none given. */
  readonly maximum: number;
}

type Part = (message: ShownMessage, moment: Moment) => string | Uint8Array;
/** What a letter behind `%` stands for; `kind` says which of the layout it heeds. */
interface Parameter {
  readonly kind: 'number' | 'text' | 'bytes' | 'plain';
  readonly value: (message: ShownMessage, moment: Moment, pretty: boolean) => string | Uint8Array;
  readonly help: string;
  /** Newlines in it are ours. */
  readonly hasLines?: true;
}

/** How a format prints. */
export interface FormatOptions {
  /** JSON in several lines. */
  readonly pretty?: boolean;
  /** Texts and data of others are made safe for a terminal; payloads stay as they are. */
  readonly isTerminal?: boolean;
}

const optional = (value: number | string | undefined): string => (value === undefined ? '' : String(value));

/** Every letter that may follow `%`; the help of `dunlin sub` is made from it. */
export const PARAMETERS: Readonly<Record<string, Parameter>> = {
  '%': { kind: 'plain', help: 'a literal %', value: () => '%' },
  A: { kind: 'number', help: 'Topic Alias', value: ({ properties }) => optional(properties.topicAlias) },
  C: { kind: 'text', help: 'Content Type', value: ({ properties }) => optional(properties.contentType) },
  D: { kind: 'plain', help: 'Correlation Data', value: ({ properties }) => properties.correlationData ?? '' },
  E: {
    kind: 'number',
    help: 'Message Expiry Interval',
    value: ({ properties }) => optional(properties.messageExpiryInterval),
  },
  F: {
    kind: 'number',
    help: 'Payload Format Indicator',
    value: ({ properties }) => optional(properties.payloadFormatIndicator),
  },
  I: { kind: 'text', help: 'time of receipt, ISO 8601', value: (_message, moment) => isoTime(moment) },
  j: {
    kind: 'plain',
    help: 'all as JSON, the payload as a string',
    hasLines: true,
    value: (message, moment, pretty) => messageJson(message, moment, { parsePayload: false, pretty }),
  },
  J: {
    kind: 'plain',
    help: 'all as JSON, the payload being JSON itself',
    hasLines: true,
    value: (message, moment, pretty) => messageJson(message, moment, { parsePayload: true, pretty }),
  },
  l: { kind: 'number', help: 'payload length in bytes', value: ({ payload }) => String(payload.length) },
  m: { kind: 'number', help: 'Packet Identifier, 0 at QoS 0', value: ({ packetId }) => String(packetId) },
  P: {
    kind: 'plain',
    help: 'User Properties as name:value',
    value: ({ properties }) => (properties.userProperties ?? []).map(([name, value]) => `${name}:${value}`).join(' '),
  },
  p: { kind: 'bytes', help: 'payload as it is', value: ({ payload }) => payload },
  q: { kind: 'plain', help: 'QoS', value: ({ qos }) => String(qos) },
  R: { kind: 'text', help: 'Response Topic', value: ({ properties }) => optional(properties.responseTopic) },
  r: { kind: 'plain', help: 'RETAIN, 0 or 1', value: ({ retain }) => (retain ? '1' : '0') },
  S: {
    kind: 'number',
    help: 'Subscription Identifiers',
    value: ({ properties }) => (properties.subscriptionIdentifiers ?? []).join(' '),
  },
  t: { kind: 'text', help: 'topic', value: ({ topic }) => topic },
  U: {
    kind: 'plain',
    help: 'time of receipt, Unix seconds with nanoseconds',
    value: (_message, moment) => `${convert('s', moment)}.${convert('N', moment)}`,
  },
  X: { kind: 'bytes', help: 'payload in upper case hex', value: ({ payload }) => hex(payload).toUpperCase() },
  x: { kind: 'bytes', help: 'payload in lower case hex', value: ({ payload }) => hex(payload) },
};

/** What may follow a backslash. */
const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\',
  '0': '\0',
  a: '\x07',
  e: '\x1b',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/**
 * Compiles a format.
 *
 * A parameter is `%`, then `-` (left) and `0` (zeros), a field width, `.` and a maximum width, and its letter; see
 * `PARAMETERS`. The width is the least number of characters; the maximum applies to text. `@` and a letter is a
 * conversion of strftime(3) or `@N`, nanoseconds. Throws a usage error for a sequence that does not exist.
 */
export function compileFormat(format: string, options: FormatOptions = {}): MessageFormat {
  const parts: Part[] = [];
  let at = 0;
  while (at < format.length) {
    const start = format.slice(at).search(/[%@\\]/);
    const literal = start < 0 ? format.slice(at) : format.slice(at, at + start);
    if (literal !== '') parts.push(() => literal);
    if (start < 0) break;
    at = compileSequence(format, at + start, parts, options);
  }
  return (message, moment) => Buffer.concat(parts.map((part) => toBytes(part(message, moment))));
}

/** Compiles the sequence at `at` and returns the index behind it. */
function compileSequence(format: string, at: number, parts: Part[], options: FormatOptions): number {
  const letter = format[at + 1];
  if (letter === undefined) throw badSequence(format, format.slice(at), 'it ends there');
  if (format[at] === '\\') {
    if (!Object.hasOwn(ESCAPES, letter)) throw badSequence(format, `\\${letter}`, 'there is no such escape');
    parts.push(() => ESCAPES[letter]);
    return at + 2;
  }
  if (format[at] === '@') {
    if (letter !== '@' && !isConversion(letter)) throw badSequence(format, `@${letter}`, 'there is no such conversion');
    parts.push(letter === '@' ? () => '@' : (_message, moment) => convert(letter, moment));
    return at + 2;
  }
  const found = /^%([-0]*)(\d*)(?:\.(\d+))?(.?)/su.exec(format.slice(at)) as RegExpExecArray;
  const [whole, flags, width, maximum, name] = found;
  if (name === '') throw badSequence(format, format.slice(at), 'it ends there');
  if (!Object.hasOwn(PARAMETERS, name)) throw badSequence(format, whole, 'there is no such parameter');
  if (Number(width) > WIDTH_MAX) throw badSequence(format, whole, `a width has at most ${WIDTH_MAX}`);
  const layout: Layout = {
    left: flags.includes('-'),
    zero: flags.includes('0'),
    width: Number(width),
    maximum: maximum === undefined ? Number.POSITIVE_INFINITY : Number(maximum),
  };
  const { kind, value, hasLines: lines = false } = PARAMETERS[name];
  const { pretty = false, isTerminal = false } = options;
  parts.push((message, moment) => {
    const found = value(message, moment, pretty);
    if (!isTerminal || (typeof found !== 'string' && kind === 'bytes')) return lay(kind, layout, found);
    return lay(kind, layout, visible(typeof found === 'string' ? found : Buffer.from(found).toString(), { lines }));
  });
  return at + whole.length;
}

const WIDTH_MAX = 10_000;

function lay(kind: Parameter['kind'], layout: Layout, value: string | Uint8Array): string | Uint8Array {
  if (kind === 'plain') return value;
  if (typeof value !== 'string') {
    if (value.length >= layout.width) return value;
    const fill = Buffer.alloc(layout.width - value.length, layout.zero && !layout.left ? '0' : ' ');
    return layout.left ? Buffer.concat([value, fill]) : Buffer.concat([fill, value]);
  }
  const cut = kind === 'text' ? value.slice(0, layout.maximum) : value;
  if (layout.left) return cut.padEnd(layout.width);
  // An absent number stays blank: zeros would be taken for one.
  return cut.padStart(layout.width, layout.zero && kind !== 'text' && cut !== '' ? '0' : ' ');
}

function toBytes(value: string | Uint8Array): Uint8Array {
  return typeof value === 'string' ? Buffer.from(value) : value;
}

function hex(payload: Uint8Array): string {
  return Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString('hex');
}

function badSequence(format: string, sequence: string, why: string): Error {
  return usageError(`Cannot use the format "${format}": ${why}: "${sequence}"; see dunlin sub --help`);
}
