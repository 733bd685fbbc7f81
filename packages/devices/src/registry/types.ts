/** The device types of the configuration, checked and made ready for use; a reload replaces them. */
import { isPasteable, type Rule, RulesError, readRules } from '@dunlin/identity';
import { quoted } from '@dunlin/protocol';
import type { AcknowledgementForm, CommandForm, DeviceType } from '../device-type.ts';
import { COMMAND_LIMITS } from '../limits/command-limits.ts';
import { type ClientIdCheck, compileClientId } from './client-id-form.ts';
import { compileSchema, type InputCheck } from './input-schema.ts';
import { compilePayload, compileTopic, type PayloadForm, type TopicForm } from './template.ts';

/** Before the name of a type it is the group that its devices are in. Nobody else's groups may begin so. */
export const TYPE_GROUP = 'device-type:';

export interface CompiledType {
  readonly type: DeviceType;
  /** What its devices may do; each rule is for the group of the type. */
  readonly rules: readonly Rule[];
  readonly presence: TopicForm | undefined;
  readonly commands: ReadonlyMap<string, CompiledCommand>;
  /** Undefined: any Client Identifier will do. */
  readonly clientId: ClientIdCheck | undefined;
  /** Why a device with these attributes cannot be of the type; each fault is a sentence. */
  attributeProblems(attributes: Readonly<Record<string, string>>): readonly string[];
}

export interface CompiledCommand {
  readonly form: CommandForm;
  readonly topic: TopicForm;
  readonly payload: PayloadForm;
  /** Faults of what a caller gives as input, none where it fits. */
  readonly checkInput: InputCheck;
  readonly acknowledgement: CompiledAcknowledgement | undefined;
}

export interface CompiledAcknowledgement {
  readonly form: AcknowledgementForm;
  readonly topic: TopicForm;
  /** Path of the id in the payload; undefined: `topic.read` has it under `commandId`. */
  readonly id: readonly string[] | undefined;
  /** Path of the value that says whether it failed. */
  readonly failure: readonly string[] | undefined;
}

/** Device types that cannot be used: each problem names path, value and what is expected. */
export class DeviceTypeError extends Error {
  override readonly name = 'DeviceTypeError';
  readonly code = 'device-type';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const ATTRIBUTE = /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/;
/** 30 days, in seconds. */

/**
 * Checks a type.
 * @throws DeviceTypeError with every fault
 */
export function compileType(type: DeviceType): CompiledType {
  const compiler = new TypeCompiler(type);
  const compiled = compiler.compile();
  if (compiler.problems.length > 0) throw new DeviceTypeError(compiler.problems);
  return compiled;
}

export class DeviceTypes {
  readonly #listeners = new Set<() => void>();
  #types: ReadonlyMap<string, CompiledType> = new Map();

  /** @throws DeviceTypeError with the faults of all types */
  constructor(types: readonly DeviceType[]) {
    this.prepareReplace(types)();
  }

  /** The same object until the types are replaced. */
  get(name: string): CompiledType | undefined {
    return this.#types.get(name);
  }

  /** In the order of the configuration. */
  get all(): readonly CompiledType[] {
    return [...this.#types.values()];
  }

  get names(): readonly string[] {
    return [...this.#types.keys()];
  }

  /**
   * Checks other types; what it returns puts them in place of all there were, and tells the listeners.
   * @throws DeviceTypeError with the faults of all types
   */
  prepareReplace(types: readonly DeviceType[]): () => void {
    const problems: string[] = [];
    const compiled = new Map<string, CompiledType>();
    for (const type of types) {
      if (compiled.has(type.name))
        problems.push(`devices.types.${type.name} is there twice: one of a name is expected`);
      try {
        compiled.set(type.name, compileType(type));
      } catch (error) {
        if (!(error instanceof DeviceTypeError)) throw error;
        problems.push(...error.problems);
      }
    }
    if (problems.length > 0) throw new DeviceTypeError(problems);
    return () => {
      this.#types = compiled;
      for (const listener of this.#listeners) listener();
    };
  }

  /** Calls `changed` after each replacement, until the function that it returns is called. */
  onChange(changed: () => void): () => void {
    this.#listeners.add(changed);
    return () => void this.#listeners.delete(changed);
  }
}

class TypeCompiler {
  readonly problems: string[] = [];
  readonly #type: DeviceType;
  readonly #path: string;
  /** Attributes that go into topics, or that fields of Client Identifiers equal: they must fit into one level. */
  readonly #pasted = new Set<string>();

  constructor(type: DeviceType) {
    this.#type = type;
    this.#path = `devices.types.${type.name}`;
  }

  compile(): CompiledType {
    const { name, requiredAttributes, presence, clientId, commands } = this.#type;
    const { claimAttributes = [], uniqueAttributes = [] } = this.#type;
    if (!NAME.test(name)) this.#tell('', name, 'a name of 1 to 64 letters, digits, ".", "_" and "-"');
    for (const attribute of requiredAttributes)
      if (!ATTRIBUTE.test(attribute) || isReserved(attribute))
        this.#tell('.requiredAttributes', attribute, ATTRIBUTE_EXPECTED);
    for (const attribute of uniqueAttributes)
      if (!isAttributeName(attribute)) this.#tell('.uniqueAttributes', attribute, ATTRIBUTE_EXPECTED);
    const rules = this.#rules();
    const presenceTopic = presence && this.#try('.presence.topic', () => compileTopic(presence.topic));
    if (presenceTopic !== undefined) this.#useTopic('.presence.topic', presenceTopic, false);
    const clientIds = clientId && this.#try('.clientId', () => compileClientId(clientId));
    for (const attribute of clientIds?.attributes ?? []) this.#useAttribute('.clientId', attribute);
    const compiledCommands = new Map<string, CompiledCommand>();
    for (const [command, form] of Object.entries(commands)) {
      const compiled = this.#command(command, form);
      if (compiled !== undefined) compiledCommands.set(command, compiled);
    }
    const pasted = this.#pasted;
    for (const attribute of claimAttributes)
      if (!ATTRIBUTE.test(attribute) || isReserved(attribute))
        this.#tell('.claimAttributes', attribute, ATTRIBUTE_EXPECTED);
      else if (pasted.has(attribute) || uniqueAttributes.includes(attribute))
        this.#tell(
          '.claimAttributes',
          attribute,
          'an attribute that is not unique, and that no topic, rule or Client Identifier depends on,',
        );
    return {
      type: this.#type,
      rules,
      presence: presenceTopic,
      commands: compiledCommands,
      clientId: clientIds,
      attributeProblems: (attributes) => attributeProblems(name, attributes, requiredAttributes, pasted),
    };
  }

  #rules(): readonly Rule[] {
    const { name, rules } = this.#type;
    const role = `roles.${name}.`;
    try {
      const read = readRules({ roles: { [name]: { groups: [TYPE_GROUP + name], rules } } });
      for (const piece of read.flatMap((rule) => rule.topics.flatMap((topic) => topic.pieces)))
        if (typeof piece !== 'string' && piece.variable.startsWith('attr.') && !isReserved(piece.variable.slice(5)))
          this.#pasted.add(piece.variable.slice('attr.'.length));
      return read.map((rule) => ({ ...rule, place: rule.place.replace(role, `${this.#path}.`) }));
    } catch (error) {
      if (!(error instanceof RulesError)) throw error;
      this.problems.push(...error.problems.map((problem) => problem.replace(role, `${this.#path}.`)));
      return [];
    }
  }

  #command(name: string, form: CommandForm): CompiledCommand | undefined {
    const at = `.commands.${name}`;
    if (!NAME.test(name)) this.#tell('.commands', name, 'a name of 1 to 64 letters, digits, ".", "_" and "-"');
    const { ttlS, qos, inputSchema } = form;
    const ttlMaxS = COMMAND_LIMITS.commandTtlMaxS.maximum;
    if (!Number.isInteger(ttlS) || ttlS < 1 || ttlS > ttlMaxS)
      this.#tell(`${at}.ttlS`, ttlS, `a whole number of seconds from 1 to ${ttlMaxS}`);
    if (qos !== 0 && qos !== 1) this.#tell(`${at}.qos`, qos, '0 or 1');
    const topic = this.#try(`${at}.topic`, () => compileTopic(form.topic));
    if (topic !== undefined) this.#useTopic(`${at}.topic`, topic, true);
    const payload = this.#try(`${at}.payload`, () => compilePayload(form.payload));
    for (const variable of payload?.variables ?? [])
      if (variable.startsWith('attr.')) this.#require(`${at}.payload`, variable.slice('attr.'.length));
    const takesInput = payload?.variables.some((variable) => /^input(\.|$)/.test(variable));
    if (takesInput === true && inputSchema === undefined)
      this.#tell(`${at}.inputSchema`, undefined, 'a JSON Schema, since the payload has {input},');
    const checkInput = this.#try(`${at}.inputSchema`, () => compileSchema(inputSchema));
    const acknowledgement = form.acknowledgement && this.#acknowledgement(at, form.acknowledgement);
    if (topic === undefined || payload === undefined || checkInput === undefined) return undefined;
    return { form, topic, payload, checkInput, acknowledgement };
  }

  #acknowledgement(at: string, form: AcknowledgementForm): CompiledAcknowledgement | undefined {
    const place = `${at}.acknowledgement`;
    const topic = this.#try(`${place}.topic`, () => compileTopic(form.topic));
    if (topic === undefined) return undefined;
    this.#useTopic(`${place}.topic`, topic, true);
    // All that says which device speaks is that only this one may publish there.
    if (!topic.variables.some((variable) => variable !== 'commandId'))
      this.#tell(`${place}.topic`, form.topic, 'a topic of one device, with {deviceId} or an {attr.NAME} of its own,');
    const readsId = topic.text.split('/').includes('{commandId}');
    if (form.id === undefined && !readsId)
      this.#tell(
        `${place}.topic`,
        form.topic,
        'a topic with {commandId} as a level, or "id", the place in the payload,',
      );
    if (form.failure?.values.length === 0) this.#tell(`${place}.failure.values`, '', 'at least one value');
    const id = this.#pointer(`${place}.id`, form.id);
    const failure = this.#pointer(`${place}.failure.pointer`, form.failure?.pointer);
    return { form, topic, id, failure };
  }

  #pointer(at: string, pointer: string | undefined): readonly string[] | undefined {
    if (pointer === undefined) return undefined;
    if (!/^(\/([^~/]|~[01])*)+$/.test(pointer)) this.#tell(at, pointer, 'a JSON pointer such as /message_id');
    return pointer
      .split('/')
      .slice(1)
      .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
  }

  #useTopic(at: string, { text, variables }: TopicForm, hasCommand: boolean): void {
    for (const variable of variables) {
      if (variable.startsWith('attr.')) this.#useAttribute(at, variable.slice('attr.'.length));
      if (variable === 'commandId' && !hasCommand) this.#tell(at, text, 'a topic without {commandId}');
    }
  }

  #useAttribute(at: string, attribute: string): void {
    this.#pasted.add(attribute);
    this.#require(at, attribute);
  }

  #require(at: string, attribute: string): void {
    if (this.#type.requiredAttributes.includes(attribute)) return;
    this.#tell(at, `{attr.${attribute}}`, `a name that is one of requiredAttributes as well`);
  }

  #try<T>(at: string, compile: () => T): T | undefined {
    try {
      return compile();
    } catch (error) {
      this.problems.push(`${this.#path}${at}: ${(error as Error).message}`);
      return undefined;
    }
  }

  #tell(at: string, found: unknown, expected: string): void {
    const shown = typeof found === 'string' ? quoted(found) : (JSON.stringify(found) ?? 'missing');
    this.problems.push(`${this.#path}${at} is ${shown}: ${expected} is expected`);
  }
}

/** Attributes that the service adds itself. */
function isReserved(attribute: string): boolean {
  return attribute === 'deviceId' || attribute === 'deviceType';
}

export const ATTRIBUTE_EXPECTED =
  'a name of a letter and up to 63 letters, digits, ".", "_" and "-", other than deviceId and deviceType,';

export function isAttributeName(name: string): boolean {
  return ATTRIBUTE.test(name) && !isReserved(name);
}

function attributeProblems(
  type: string,
  attributes: Readonly<Record<string, string>>,
  required: readonly string[],
  pasted: ReadonlySet<string>,
): string[] {
  const missing = required
    .filter((name) => !Object.hasOwn(attributes, name))
    .map((name) => `attributes.${name} is missing: a device of the type ${type} is expected to have it`);
  const unfit = [...pasted]
    .filter((name) => Object.hasOwn(attributes, name) && !isPasteable(attributes[name]))
    .map(
      (name) =>
        `attributes.${name} is ${quoted(attributes[name])}: without "/", "+", "#" and a leading "$" is expected, since ` +
        `topics of the type ${type} are made of it`,
    );
  return [...missing, ...unfit];
}
