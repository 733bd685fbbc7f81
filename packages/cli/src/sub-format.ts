/** How `dunlin sub` prints one message. */

import { visible } from '@dunlin/protocol';
import { indentedJson } from './exact-json.ts';
import { hexDump } from './hex-dump.ts';
import { jsonLine } from './json-line.ts';
import { compileFormat, type MessageFormat } from './message-format.ts';
import type { Screen } from './screen.ts';
import { exactText, type ShownMessage } from './shown-message.ts';
import type { SubFlags } from './sub-flags.ts';

const NOTHING = Buffer.alloc(0);

/** What of a terminal the formats heed. */
type Paper = Pick<Screen, 'isTerminal' | 'dim'>;
const PLAIN: Paper = { isTerminal: false, dim: (text) => text };

/** The format that the flags mean, on a terminal or for a program. Throws a usage error for a bad one. */
export function formatOf(flags: SubFlags, paper: Paper = PLAIN): MessageFormat {
  const { isTerminal } = paper;
  const newline = Buffer.from(flags.newline ? '\n' : '');
  if (flags.output === 'json') {
    // JSON has the same escapes, so the value stays the same.
    const shown = isTerminal ? visible : (line: string) => line;
    return (message, moment) => Buffer.from(`${shown(jsonLine(message, moment))}\n`);
  }
  if (flags.output === 'hex') return (message) => hexOf(message, flags.verbose, paper);
  if (flags.format !== undefined) {
    const format = compileFormat(flags.format, { pretty: flags.pretty, isTerminal });
    return (message, moment) => Buffer.concat([format(message, moment), newline]);
  }
  const payloadOf = flags.pretty ? prettyPayload : ({ payload }: ShownMessage) => payload;
  if (!flags.verbose) {
    // An empty payload prints nothing, so that what is printed can be counted in lines of content.
    return (message) => (message.payload.length === 0 ? NOTHING : Buffer.concat([payloadOf(message), newline]));
  }
  return (message) => {
    // Without newlines nothing would divide it from the next message.
    if (message.payload.length === 0 && !flags.newline) return NOTHING;
    const shown = message.payload.length === 0 ? Buffer.from('(null)') : payloadOf(message);
    return Buffer.concat([Buffer.from(`${shownTopic(message, paper)} `), shown, newline]);
  };
}

function prettyPayload(message: ShownMessage): Uint8Array {
  const text = exactText(message);
  const indented = text === undefined ? undefined : indentedJson(text);
  return indented === undefined ? message.payload : Buffer.from(indented);
}

/** The topic on a line of its own on demand, then the bytes. */
function hexOf(message: ShownMessage, isVerbose: boolean, paper: Paper): Buffer {
  const head = isVerbose ? [`${shownTopic(message, paper)} (${message.payload.length} bytes)`] : [];
  const lines = hexDump(message.payload).map((line) => `${paper.dim(line.slice(0, 8))}${line.slice(8)}`);
  return Buffer.from([...head, ...lines].map((line) => `${line}\n`).join(''));
}

function shownTopic({ topic }: ShownMessage, { isTerminal }: Paper): string {
  return isTerminal ? visible(topic) : topic;
}
