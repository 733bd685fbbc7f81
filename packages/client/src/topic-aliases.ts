/** The Topic Aliases that this client gives on one connection (MQTT 5.0, section 3.3.2.3.4). */

/** Gives aliases to topics, first come, first served; the application may set others itself. */
export class TopicAliases {
  readonly #maximum: number;
  readonly #aliases = new Map<string, number>();
  readonly #topics: (string | undefined)[] = [];
  #latest = 0;

  /** `maximum`: the server's Topic Alias Maximum; 0 gives none. */
  constructor(maximum: number) {
    this.#maximum = maximum;
  }

  /** Above 0: the server knows it, the topic may be left out. Below 0: a new one, without the sign. 0: there is none. */
  aliasFor(topic: string): number {
    const known = this.#aliases.get(topic);
    if (known !== undefined) return known;
    while (this.#latest < this.#maximum) {
      this.#latest += 1;
      if (this.#topics[this.#latest] !== undefined) continue;
      this.set(this.#latest, topic);
      return -this.#latest;
    }
    return 0;
  }

  /** What an alias stands for. */
  topicOf(alias: number): string | undefined {
    return this.#topics[alias];
  }

  /** The application chose the alias. */
  set(alias: number, topic: string): void {
    this.forget(alias);
    this.#aliases.set(topic, alias);
    this.#topics[alias] = topic;
  }

  /** The packet with it was not sent. */
  forget(alias: number): void {
    const topic = this.#topics[alias];
    if (topic !== undefined && this.#aliases.get(topic) === alias) this.#aliases.delete(topic);
    this.#topics[alias] = undefined;
  }
}
