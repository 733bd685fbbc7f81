/** Topics that a type needs its devices to use, and that its own rules deny them. */
import { NOBODY, type Permissions, type Principal } from '@dunlin/broker';
import { compileRules } from '@dunlin/identity';
import { quoted } from '@dunlin/protocol';
import type { DeviceType } from '../device-type.ts';
import type { TemplateValues, TopicForm } from './template.ts';
import { type CompiledType, compileType, DeviceTypeError, TYPE_GROUP } from './types.ts';

/** Stands for the id of a device, and stands in what stands for the rest: no two are alike, or a topic would pass for another. */
const SAMPLE = 'sample';

/**
 * What surprises whoever wrote the type, each a sentence that begins with its path: commands that its devices cannot hear, or
 * cannot answer. Empty for a type that cannot be used.
 */
export function deniedTopics(type: DeviceType): string[] {
  const compiled = compiledOf(type);
  if (compiled === undefined) return [];
  const values = sampleOf(compiled);
  // What some devices of the type may is no fault of the type.
  const rules = compiled.rules.map((rule) => (rule.effect === 'allow' ? { ...rule, subjects: [], except: [] } : rule));
  const permissions = compileRules(rules).permissions(clientIdOf(type, values), principalOf(type, values));
  return [...compiled.commands].flatMap(([command, { topic, acknowledgement }]) => {
    const at = `devices.types.${type.name}.commands.${command}`;
    const hears = permissions?.mayReceive(topic.fill(values)) === true;
    const answers = acknowledgement === undefined || mayAnswer(permissions, acknowledgement.topic.fill(values));
    return [
      ...(hears ? [] : [denial(`${at}.topic`, topic, 'subscribe', 'so that they cannot hear the command')]),
      ...(answers ? [] : [denial(`${at}.acknowledgement.topic`, acknowledgement.topic, 'publish', CANNOT_ANSWER)]),
    ];
  });
}

const CANNOT_ANSWER = 'so that they cannot say that the command was done';

function compiledOf(type: DeviceType): CompiledType | undefined {
  try {
    return compileType(type);
  } catch (error) {
    if (error instanceof DeviceTypeError) return undefined;
    throw error;
  }
}

function mayAnswer(permissions: Permissions | undefined, topic: string): boolean {
  return permissions?.mayPublish(topic, 0, false) === 0;
}

function denial(at: string, { text }: TopicForm, action: 'subscribe' | 'publish', so: string): string {
  const levels = text.split('/').map((level) => (level.includes('{commandId}') ? '+' : level));
  const topics = levels.join('/').replaceAll('{deviceId}', '{username}');
  return `${at} is ${quoted(text)}: the rules of the type do not let its devices ${action} there, ${so}; { allow: ${action}, topics: '${topics}' } among its rules is expected`;
}

function sampleOf({ type }: CompiledType): TemplateValues {
  const attributes = Object.fromEntries(type.requiredAttributes.map((name) => [name, `${SAMPLE}-${name}`]));
  return { deviceId: SAMPLE, attributes, commandId: `${SAMPLE}-` };
}

/** Where any will do it is the id of the device, as a rule may expect. */
function clientIdOf({ clientId }: DeviceType, { deviceId, attributes }: TemplateValues): string {
  if (clientId === undefined) return deviceId;
  return clientId.template.replace(/\{([^{}]*)\}/g, (_, field: string) => {
    const source = Object.hasOwn(clientId.equals, field) ? clientId.equals[field] : '';
    return source === '{deviceId}' ? deviceId : (attributes[source.slice('{attr.'.length, -1)] ?? SAMPLE);
  });
}

/** As the method of devices says who a device is. */
function principalOf({ name, credential }: DeviceType, { deviceId, attributes }: TemplateValues): Principal {
  const certificate = { authority: SAMPLE, serial: '01', commonName: deviceId };
  return {
    ...NOBODY,
    username: deviceId,
    attributes: { ...attributes, deviceId, deviceType: name },
    groups: [TYPE_GROUP + name],
    certificate: credential === 'token' ? undefined : certificate,
  };
}
