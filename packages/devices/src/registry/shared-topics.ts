/** Topics that are meant for one device of a type, and that several may have. */
import { quoted } from '@dunlin/protocol';
import type { DeviceType } from '../device-type.ts';

/** What surprises whoever wrote the type, each a sentence that begins with its path. Of topics that are not well formed too. */
export function sharedTopics({ name, presence, commands, uniqueAttributes = [] }: DeviceType): string[] {
  const path = `devices.types.${name}`;
  const topics = [
    { at: `${path}.presence.topic`, topic: presence?.topic, what: 'say on it whether they are connected' },
    ...Object.entries(commands).flatMap(([command, { topic, acknowledgement }]) => [
      { at: `${path}.commands.${command}.topic`, topic, what: 'hear the commands of each other' },
      {
        at: `${path}.commands.${command}.acknowledgement.topic`,
        topic: acknowledgement?.topic,
        what: 'can answer the commands of each other',
      },
    ]),
  ];
  return topics.flatMap(({ at, topic, what }) => {
    const attributes = topic === undefined ? [] : sharedAttributes(topic, uniqueAttributes);
    if (topic === undefined || attributes.length === 0) return [];
    const [attribute] = attributes;
    return [
      `${at} is ${quoted(topic)}: devices with the same ${attributes.join(' and ')} ${what}; uniqueAttributes: [${attribute}] ` +
        'of the type, or {deviceId} in the topic, is expected',
    ];
  });
}

/** The attributes that a topic is made of, where neither the id nor a unique one is among what it is made of. */
function sharedAttributes(topic: string, unique: readonly string[]): string[] {
  const variables = Array.from(topic.matchAll(/\{\{|\}\}|\{([^{}]*)\}/g), ([, name = '']) => name);
  const attributes = variables.flatMap((variable) => (variable.startsWith('attr.') ? [variable.slice(5)] : []));
  const isOfOne = variables.includes('deviceId') || attributes.some((attribute) => unique.includes(attribute));
  return isOfOne ? [] : attributes;
}
