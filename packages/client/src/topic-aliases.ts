/** The Topic Aliases that this client gives on one connection (MQTT 5.0, section 3.3.2.3.4). */

/** Which alias stands for which topic: the client gives them first come, first served; the application may set others. */
export class TopicAliases {
  readonly #maximum: number;
  readonly #aliases = new Map<string, number>();
  readonly #topics: string[] = [];
  /** All below it stand for something. */
  #latest = 1;

  /** `maximum`: the server's Topic Alias Maximum; 0 gives none. */
  constructor(maximum: number) {
    this.#maximum = maximum;
  }

  /** The alias that stands for a topic. */
  aliasOf(topic: string): number | undefined {
    return this.#aliases.get(topic);
  }

  /** What an alias stands for. */
  topicOf(alias: number): string | undefined {
    return this.#topics[alias];
  }

  /** An alias that stands for nothing; undefined where none is left. */
  free(): number | undefined {
    while (this.#topics[this.#latest] !== undefined) this.#latest += 1;
    return this.#latest <= this.#maximum ? this.#latest : undefined;
  }

  /** A packet with both was sent. */
  set(alias: number, topic: string): void {
    const before = this.#topics[alias];
    if (this.#aliases.get(before) === alias) this.#aliases.delete(before);
    this.#aliases.set(topic, alias);
    this.#topics[alias] = topic;
  }
}
