/**
 * What devices say about commands at application level. One subscription for each form of topic, with `+` where it has
 * variables; that a message is about a command of this very device is seen by making the topic anew from the command.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Awaitable, Clock } from '@dunlin/broker';
import { quoted } from '@dunlin/protocol';
import type { DeviceBroker, ReceivedByService } from '../ports.ts';
import type { DeviceLookup } from '../registry/known-device.ts';
import type { CompiledAcknowledgement, CompiledType } from '../registry/types.ts';
import { Turns } from '../turns.ts';
import { COMMAND_ID_CHARACTERS_MAX, type Command, isCommandId } from './command.ts';
import type { CommandEvent } from './command-flow.ts';
import { commandValues } from './command-types.ts';

export interface AcknowledgementsOptions {
  readonly broker: DeviceBroker;
  readonly lookup: DeviceLookup;
  readonly clock: Clock;
  readonly bytesMax: number;
  readonly get: (id: string) => Awaitable<Command | undefined>;
  /** Settles when that is durable. */
  readonly apply: (id: string, event: CommandEvent) => Promise<unknown>;
  /** Told, once a second at the most, that what a device says is too long to be looked at. */
  readonly passedOver: (limit: PassedOver, detail: string) => void;
}

type PassedOver = 'commandBytesMax' | 'commandIdCharactersMax';

interface Subscription {
  forms: readonly CompiledAcknowledgement[];
  readonly end: () => void;
}

const TOLD_EACH_MS = 1_000;

export class Acknowledgements {
  readonly #options: AcknowledgementsOptions;
  readonly #subscriptions = new Map<string, Subscription>();
  /**
   * What is being looked at, by command and topic: a flood of messages that say the same is one. By both, since others may
   * name the command of a device at a place of their own. No id has a space.
   */
  readonly #underWay = new Turns();
  /** Steady clock. */
  readonly #toldAtMs = new Map<PassedOver, number>();

  constructor(options: AcknowledgementsOptions) {
    this.#options = options;
  }

  /** Listens to what the commands of these types say, and to nothing else any more. */
  follow(types: readonly CompiledType[]): void {
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
      if (known === undefined) this.#subscribe(filter, itsForms);
      else known.forms = itsForms;
    }
  }

  /** Listens to nothing any more; settles when what was heard is stored. */
  async close(): Promise<void> {
    for (const { end } of this.#subscriptions.values()) end();
    this.#subscriptions.clear();
    await this.#underWay.idle();
  }

  #subscribe(filter: string, forms: readonly CompiledAcknowledgement[]): void {
    const take = (message: ReceivedByService) => this.#take(subscription, message);
    const subscription: Subscription = { forms, end: this.#options.broker.subscribe(filter, take) };
    this.#subscriptions.set(filter, subscription);
  }

  /** The device gets PUBACK when what it says is durable. */
  #take({ forms }: Subscription, { topic, payload }: ReceivedByService): Awaitable<void> {
    const { bytesMax } = this.#options;
    if (payload.length > bytesMax) {
      this.#passOver('commandBytesMax', topic, `has ${payload.length} bytes, at most ${bytesMax} are expected`);
      return;
    }
    const json = jsonOf(payload);
    const runs: Promise<unknown>[] = [];
    for (const id of new Set(forms.map((form) => idIn(form, topic, json)))) {
      if (id === undefined) continue;
      if (isCommandId(id)) runs.push(this.#underWay.join(`${id} ${topic}`, () => this.#answer(id, topic, json)));
      else if (id.length > COMMAND_ID_CHARACTERS_MAX)
        this.#passOver(
          'commandIdCharactersMax',
          topic,
          `names a command with ${id.length} characters, at most ${COMMAND_ID_CHARACTERS_MAX} are expected`,
        );
    }
    if (runs.length > 0) return Promise.all(runs).then(() => {});
  }

  #passOver(limit: PassedOver, topic: string, what: string): void {
    const nowMs = this.#options.clock.steadyMs();
    if (nowMs - (this.#toldAtMs.get(limit) ?? -Infinity) < TOLD_EACH_MS) return;
    this.#toldAtMs.set(limit, nowMs);
    this.#options.passedOver(limit, `what was said at ${quoted(topic)} ${what}`);
  }

  async #answer(id: string, topic: string, json: unknown): Promise<void> {
    const { get, apply, lookup } = this.#options;
    const command = await get(id);
    if (command === undefined || command.endedAtMs !== undefined) return;
    const known = await lookup(command.deviceId);
    const form = known?.type?.commands.get(command.type)?.acknowledgement;
    if (known?.generation !== command.generation || form === undefined || idIn(form, topic, json) !== id) return;
    // Another device says it: it may publish there, but it is not the one that was asked.
    if (form.topic.fill(commandValues(known.device, id, 0, undefined)) !== topic) return;
    const said = form.failure && valueAt(json, form.failure);
    const isFailure = said !== undefined && form.form.failure?.values.some((value) => isDeepStrictEqual(value, said));
    await apply(id, isFailure ? { kind: 'failed', why: 'the device says that it failed' } : { kind: 'acknowledged' });
  }
}

/** What the message names as its command where the form says it stands. */
function idIn({ id, topic: { read } }: CompiledAcknowledgement, topic: string, json: unknown): string | undefined {
  const found = id === undefined ? read(topic)?.get('commandId') : valueAt(json, id);
  return typeof found === 'string' ? found : undefined;
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
