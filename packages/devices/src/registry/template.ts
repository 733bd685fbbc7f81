/**
 * Topics and payloads with variables in them. A value goes into a topic only if it stays within its level: nothing is
 * escaped, since Topic Names know no escape.
 */
import { isPasteable } from '@dunlin/identity';
import { assertTopicName, quoted } from '@dunlin/protocol';

/** What templates are filled in from. */
export interface TemplateValues {
  readonly deviceId: string;
  /** Attributes of the device. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly commandId?: string;
  /** Wall clock. */
  readonly nowMs?: number;
  /** What the caller gave. */
  readonly input?: unknown;
}

/** A variable of topics. `attr.x` is the attribute `x`. */
export type TopicVariable = 'deviceId' | 'commandId' | `attr.${string}`;
/** A variable of payloads. `input.x` is the entry `x` of the input. */
export type PayloadVariable = TopicVariable | 'nowS' | 'nowMs' | 'input' | `input.${string}`;

/** A topic with variables, read and checked. */
export interface TopicForm {
  readonly text: string;
  readonly variables: readonly TopicVariable[];
  /** The Topic Filter that matches the topic of every device, and then of others perhaps. */
  readonly filter: string;
  /** @throws TemplateError where a value is missing, or is more than a part of one level; MqttError where it is too long */
  fill(values: TemplateValues): string;
  /**
   * What stands in a topic in place of each variable that is alone in its level; undefined where the rest differs. A
   * level with text around one variable is compared, one with several is not looked at: who knows the values compares
   * with `fill`.
   */
  read(topic: string): ReadonlyMap<TopicVariable, string> | undefined;
}

/** A payload with variables, read and checked. */
export interface PayloadForm {
  readonly variables: readonly PayloadVariable[];
  /**
   * The JSON value. A text that is one variable becomes its value, with its kind; an entry whose value the input does not
   * have is left out.
   * @throws TemplateError where another value is missing, or one that is no text, number or boolean stands in a text
   */
  fill(values: TemplateValues): unknown;
}

/** A template, or what was to go into it, cannot be used. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError';
  readonly code = 'template';
}

const NAME = /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/;
/** `{{` and `}}` stand for a brace. */
const MARK = /\{\{|\}\}|\{[^{}]*\}/g;
/** Levels of JSON. */
const DEPTH_MAX = 32;
const PLAIN = ['nowS', 'nowMs', 'input'] as const;

type Piece<Variable> = string | { readonly variable: Variable };

/** @throws TemplateError, MqttError where the topic is not well formed */
export function compileTopic(text: string): TopicForm {
  const pieces = readPieces(text, isTopicVariable, '{deviceId}, {commandId} or {attr.NAME}');
  assertTopicName(pieces.map((piece) => (typeof piece === 'string' ? piece : 'x')).join(''));
  if (text.startsWith('$'))
    throw new TemplateError(`Cannot use ${quoted(text)}: a topic without a leading "$" is expected`);
  const levels = levelsOf(pieces);
  return {
    text,
    variables: variablesOf(pieces),
    filter: levels.map((level) => (level.every((piece) => typeof piece === 'string') ? level.join('') : '+')).join('/'),
    fill: (values) => {
      const topic = pieces.map((piece) =>
        typeof piece === 'string' ? piece : levelValue(piece.variable, values, text),
      );
      const filled = topic.join('');
      assertTopicName(filled);
      return filled;
    },
    read: (topic) => readLevels(levels, topic.split('/')),
  };
}

/** @throws TemplateError that names the first fault */
export function compilePayload(payload: unknown): PayloadForm {
  const variables = new Set<PayloadVariable>();
  const fill = compileValue(payload, variables, 0);
  return { variables: [...variables], fill };
}

function isTopicVariable(name: string): name is TopicVariable {
  return name === 'deviceId' || name === 'commandId' || isDotted(name, 'attr.');
}

function isPayloadVariable(name: string): name is PayloadVariable {
  return isTopicVariable(name) || PLAIN.some((known) => known === name) || isDotted(name, 'input.');
}

function isDotted(name: string, prefix: string): boolean {
  return name.startsWith(prefix) && NAME.test(name.slice(prefix.length));
}

function readPieces<Variable extends string>(
  text: string,
  isVariable: (name: string) => name is Variable,
  expected: string,
): readonly Piece<Variable>[] {
  const pieces: Piece<Variable>[] = [];
  const add = (literal: string): void => {
    const last = pieces.at(-1);
    if (literal === '') return;
    if (typeof last === 'string') pieces[pieces.length - 1] = last + literal;
    else pieces.push(literal);
  };
  let from = 0;
  for (const { 0: mark, index } of text.matchAll(MARK)) {
    add(text.slice(from, index));
    from = index + mark.length;
    if (mark === '{{' || mark === '}}') {
      add(mark[0]);
      continue;
    }
    const name = mark.slice(1, -1);
    if (!isVariable(name))
      throw new TemplateError(`Cannot use ${quoted(text)}: ${quoted(mark)} is unknown, ${expected} is expected`);
    pieces.push({ variable: name });
  }
  add(text.slice(from));
  return pieces;
}

function variablesOf<Variable>(pieces: readonly Piece<Variable>[]): Variable[] {
  return [...new Set(pieces.flatMap((piece) => (typeof piece === 'string' ? [] : [piece.variable])))];
}

/** The pieces of each level. */
function levelsOf(pieces: readonly Piece<TopicVariable>[]): Piece<TopicVariable>[][] {
  const levels: Piece<TopicVariable>[][] = [[]];
  for (const piece of pieces) {
    if (typeof piece !== 'string') {
      levels[levels.length - 1].push(piece);
      continue;
    }
    for (const [index, part] of piece.split('/').entries()) {
      if (index > 0) levels.push([]);
      if (part !== '') levels[levels.length - 1].push(part);
    }
  }
  return levels;
}

function readLevels(
  levels: readonly (readonly Piece<TopicVariable>[])[],
  found: readonly string[],
): ReadonlyMap<TopicVariable, string> | undefined {
  if (found.length !== levels.length) return undefined;
  const values = new Map<TopicVariable, string>();
  for (const [index, level] of levels.entries()) {
    const text = found[index];
    const [only] = level;
    if (level.every((piece) => typeof piece === 'string')) {
      if (level.join('') !== text) return undefined;
    } else if (level.length === 1 && typeof only !== 'string') {
      const known = values.get(only.variable);
      if (text === '' || (known !== undefined && known !== text)) return undefined;
      values.set(only.variable, text);
    } else if (!fitsAround(level, text)) return undefined;
  }
  return values;
}

/** Whether a level begins and ends as its pieces do. */
function fitsAround(level: readonly Piece<TopicVariable>[], text: string): boolean {
  const [first, last] = [level[0], level[level.length - 1]];
  const [begin, end] = [typeof first === 'string' ? first : '', typeof last === 'string' ? last : ''];
  return text.length > begin.length + end.length && text.startsWith(begin) && text.endsWith(end);
}

function levelValue(variable: TopicVariable, values: TemplateValues, text: string): string {
  const value = textValue(variable, values);
  if (value === undefined) throw missing(variable, text);
  if (isPasteable(value)) return value;
  throw new TemplateError(
    `Cannot fill in ${quoted(text)}: {${variable}} is ${quoted(value)}, a text without "/", "+", "#", control ` +
      'characters and a leading "$" is expected',
  );
}

function textValue(variable: TopicVariable, { deviceId, commandId, attributes }: TemplateValues): string | undefined {
  if (variable === 'deviceId') return deviceId;
  if (variable === 'commandId') return commandId;
  const name = variable.slice('attr.'.length);
  return Object.hasOwn(attributes, name) ? attributes[name] : undefined;
}

function compileValue(
  value: unknown,
  variables: Set<PayloadVariable>,
  depth: number,
): (values: TemplateValues) => unknown {
  if (depth > DEPTH_MAX) throw new TemplateError(`Cannot use the payload: at most ${DEPTH_MAX} levels are expected`);
  if (typeof value === 'string') return compileText(value, variables);
  if (value === null || typeof value === 'boolean' || Number.isFinite(value)) return () => value;
  if (Array.isArray(value)) {
    const fills = value.map((each) => compileValue(each, variables, depth + 1));
    return (values) => fills.map((fill) => fill(values) ?? null);
  }
  if (typeof value !== 'object')
    throw new TemplateError(`Cannot use the payload: ${typeof value} was found where a value of JSON is expected`);
  const entries = Object.entries(value).map(
    ([name, each]) => [name, compileValue(each, variables, depth + 1)] as const,
  );
  // `fromEntries` defines properties, so that one called "__proto__" is one like others.
  return (values) =>
    Object.fromEntries(
      entries.flatMap(([name, fill]) => {
        const filled = fill(values);
        return filled === undefined ? [] : [[name, filled]];
      }),
    );
}

function compileText(text: string, variables: Set<PayloadVariable>): (values: TemplateValues) => unknown {
  const expected = '{deviceId}, {commandId}, {attr.NAME}, {nowS}, {nowMs}, {input} or {input.NAME}';
  const pieces = readPieces(text, isPayloadVariable, expected);
  for (const variable of variablesOf(pieces)) variables.add(variable);
  const [only] = pieces;
  if (pieces.length === 1 && typeof only !== 'string') return (values) => payloadValue(only.variable, values, text);
  return (values) =>
    pieces.map((piece) => (typeof piece === 'string' ? piece : inText(piece.variable, values, text))).join('');
}

function payloadValue(variable: PayloadVariable, values: TemplateValues, text: string): unknown {
  if (isTopicVariable(variable)) return textValue(variable, values) ?? fail(missing(variable, text));
  if (variable === 'input') return values.input;
  if (variable.startsWith('input.')) return inputValue(variable.slice('input.'.length), values.input);
  const { nowMs } = values;
  if (nowMs === undefined) throw missing(variable, text);
  return variable === 'nowMs' ? nowMs : Math.floor(nowMs / 1_000);
}

function inputValue(name: string, input: unknown): unknown {
  if (typeof input !== 'object' || input === null || !Object.hasOwn(input, name)) return undefined;
  return (input as Readonly<Record<string, unknown>>)[name];
}

function inText(variable: PayloadVariable, values: TemplateValues, text: string): string {
  const value = payloadValue(variable, values, text);
  if (value === undefined) throw missing(variable, text);
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new TemplateError(
    `Cannot fill in ${quoted(text)}: {${variable}} is a list or a group, a text, number or boolean is expected`,
  );
}

function missing(variable: string, text: string): TemplateError {
  return new TemplateError(`Cannot fill in ${quoted(text)}: {${variable}} is missing, a value is expected`);
}

function fail(error: Error): never {
  throw error;
}
