/** Topic Aliases of one Network Connection, each direction by itself; they end with it [MQTT-3.3.2-7]. */
import { MqttError } from './errors.ts';

/** What the other side has set: alias to topic. */
export class TopicAliasReceiver<T> {
  readonly maximum: number;
  #topics: (T | undefined)[] | undefined = undefined;

  /** @param maximum Topic Alias Maximum that the other side was told, 0 to 65535 */
  constructor(maximum: number) {
    this.maximum = maximum;
  }

  /**
   * Sets what an alias stands for, in place of what it stood for.
   * @throws MqttError 'topic-alias-invalid' 0x94 for 0 or above the maximum [MQTT-3.3.2-8], [MQTT-3.3.2-9]
   */
  set(alias: number, topic: T): void {
    this.#check(alias);
    this.#topics ??= [];
    this.#topics[alias] = topic;
  }

  /** What an alias stands for; undefined where it was not set. Throws as `set` does. */
  get(alias: number): T | undefined {
    this.#check(alias);
    return this.#topics?.[alias];
  }

  #check(alias: number): void {
    if (alias >= 1 && alias <= this.maximum) return;
    const message = `Cannot use Topic Alias ${alias}: the Topic Alias Maximum is ${this.maximum} [MQTT-3.3.2-8]`;
    throw new MqttError('topic-alias-invalid', 0x94, message);
  }
}

/** What this side has set: topic to alias, first come, first served. */
export class TopicAliasSender {
  readonly maximum: number;
  #aliases: Map<unknown, number> | undefined = undefined;

  /** @param maximum the other side's Topic Alias Maximum, or less */
  constructor(maximum: number) {
    this.maximum = maximum;
  }

  /**
   * The alias of a topic (any key that names it): above 0 it is known to the other side and the topic may be left out;
   * below 0 it is new, and the packet carries topic and alias (without the sign); 0: there is none left.
   */
  aliasFor(topic: unknown): number {
    const known = this.#aliases?.get(topic);
    if (known !== undefined) return known;
    this.#aliases ??= new Map();
    if (this.#aliases.size >= this.maximum) return 0;
    const alias = this.#aliases.size + 1;
    this.#aliases.set(topic, alias);
    return -alias;
  }
}
