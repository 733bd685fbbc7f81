/**
 * What devices say about commands at application level. One subscription for each form of topic, with `+` where it has
 * variables; that a message is about a command of this very device is seen by making the topic anew from the command.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Awaitable } from '@dunlin/broker';
import type { DeviceLookup } from '../known-device.ts';
import type { DeviceBroker, ReceivedByService } from '../ports.ts';
import type { CompiledAcknowledgement, CompiledType } from '../registry/types.ts';
import { type Command, isCommandId } from './command.ts';
import type { CommandEvent } from './command-flow.ts';
import { commandValues } from './command-types.ts';

export interface AcknowledgementsOptions {
  readonly broker: DeviceBroker;
  readonly lookup: DeviceLookup;
  readonly bytesMax: number;
  readonly get: (id: string) => Awaitable<Command | undefined>;
  readonly apply: (id: string, event: CommandEvent) => Promise<unknown>;
  readonly failed: (error: unknown) => void;
}

interface Subscription {
  forms: readonly CompiledAcknowledgement[];
  end: () => void;
}

export class Acknowledgements {
  readonly #options: AcknowledgementsOptions;
  readonly #subscriptions = new Map<string, Subscription>();
  /** Commands about which a message is being looked at: a flood of messages about one is one message. */
  readonly #underWay = new Map<string, Promise<void>>();

  constructor(options: AcknowledgementsOptions) {
    this.#options = options;
  }

  /** Listens to what the commands of these types say, and to nothing else any more. Settles when subscribed. */
  async follow(types: readonly CompiledType[]): Promise<void> {
    const forms = types
      .flatMap(({ commands }) => [...commands.values()])
      .flatMap(({ acknowledgement }) => acknowledgement ?? []);
    const wanted = Map.groupBy(forms, ({ topic }) => topic.filter);
    for (const [filter, { end }] of this.#subscriptions)
      if (!wanted.has(filter)) {
        end();
        this.#subscriptions.delete(filter);
      }
    for (const [filter, itsForms] of wanted) {
      const known = this.#subscriptions.get(filter);
      if (known !== undefined) {
        known.forms = itsForms;
        continue;
      }
      const subscription: Subscription = { forms: itsForms, end: () => {} };
      this.#subscriptions.set(filter, subscription);
      subscription.end = await this.#options.broker.subscribe(filter, (message) => this.#take(subscription, message));
    }
  }

  /** Listens to nothing any more; settles when what was heard is stored. */
  async close(): Promise<void> {
    for (const { end } of this.#subscriptions.values()) end();
    this.#subscriptions.clear();
    await Promise.all(this.#underWay.values());
  }

  #take({ forms }: Subscription, message: ReceivedByService): void {
    if (message.payload.length > this.#options.bytesMax) return;
    const json = jsonOf(message.payload);
    for (const id of new Set(forms.map((form) => idIn(form, message.topic, json))))
      if (id !== undefined && !this.#underWay.has(id)) {
        const run = this.#answer(id, message.topic, json)
          .catch(this.#options.failed)
          .finally(() => this.#underWay.delete(id));
        this.#underWay.set(id, run);
      }
  }

  async #answer(id: string, topic: string, json: unknown): Promise<void> {
    const { get, apply, lookup } = this.#options;
    const command = await get(id);
    if (command === undefined || command.endedAtMs !== undefined) return;
    const known = await lookup(command.deviceId);
    const form = known?.type.commands.get(command.type)?.acknowledgement;
    if (known?.generation !== command.generation || form === undefined || idIn(form, topic, json) !== id) return;
    // Another device says it: it may publish there, but it is not the one that was asked.
    if (form.topic.fill(commandValues(known.device, id, 0, undefined)) !== topic) return;
    const said = form.failure && valueAt(json, form.failure);
    const isFailure = said !== undefined && form.form.failure?.values.some((value) => isDeepStrictEqual(value, said));
    await apply(id, isFailure ? { kind: 'failed', why: 'the device says that it failed' } : { kind: 'acknowledged' });
  }
}

/** The id that the message names where the form says it stands. */
function idIn({ id, topic: { read } }: CompiledAcknowledgement, topic: string, json: unknown): string | undefined {
  const found = id === undefined ? read(topic)?.get('commandId') : valueAt(json, id);
  return typeof found === 'string' && isCommandId(found) ? found : undefined;
}

/** What stands at the place; undefined where there is no such place. Only what the JSON itself has counts. */
function valueAt(json: unknown, path: readonly string[]): unknown {
  let value = json;
  for (const name of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

function jsonOf(payload: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(payload));
  } catch {
    return undefined;
  }
}
