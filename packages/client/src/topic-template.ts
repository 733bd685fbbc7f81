/** Topic templates: `player/{key}/request/{id}`, whose named levels are filled to publish and read from what comes. */

import { FilterTree, hasWildcard } from '@dunlin/protocol';
import { MqttError, shown } from './errors.ts';

/** The parameters of a template by name: `{ key: string }` for `player/{key}/status`. */
export type TemplateParams<Template extends string> = string extends Template
  ? Readonly<Record<string, string>>
  : { readonly [Name in ParamName<Template>]: string };

type ParamName<Template extends string> = Template extends `${string}{${infer Name}}${infer Rest}`
  ? Name | ParamName<Rest>
  : never;

/**
 * A topic with named levels. Each `{name}` (letters, digits, `_`) fills a whole level and stands once.
 *
 * A value is text for one level: not empty, without `/`, `+`, `#` and control characters, and at the beginning of a
 * topic without a leading `$`, where the server's own topics begin. `match` takes no topic with another value. A template
 * may also hold wildcards and begin with `$share/<group>/`; then it is good for filters only.
 */
export class TopicTemplate<Template extends string = string> {
  readonly text: Template;
  /** The parameters in the order of their levels. */
  readonly names: readonly string[];
  /** `$share/<group>/`, or nothing. */
  readonly #share: string;
  readonly #topic: string;
  /** Its one filter takes every topic that `match` takes, and some more. */
  readonly #filters = new FilterTree<true>();

  /** Throws 'invalid' for a brace that is not part of a whole level `{name}`, and for a name that stands twice. */
  constructor(text: Template) {
    this.text = text;
    this.#share = /^\$share\/[^/]*\//.exec(text)?.[0] ?? '';
    this.#topic = text.slice(this.#share.length);
    this.names = Array.from(this.#topic.matchAll(PARAMETER), ([, name]) => name);
    const filter = this.#replaced(() => '+');
    this.#filters.add(filter, true);
    if (/[{}]/.test(this.#share + filter)) this.#fail('use', 'each "{name}" is expected to be a whole level');
    if (new Set(this.names).size < this.names.length) this.#fail('use', 'each name is expected once');
  }

  /** The Topic Name. Throws 'invalid' for a value that is missing or no level, and for a template with wildcards. */
  fill(params: TemplateParams<Template>): string {
    const topic = this.#replaced((name, at) => this.#value(params, name, at));
    if (this.#share !== '' || hasWildcard(topic)) this.#fail('fill', 'it is a filter, a topic is expected');
    return topic;
  }

  /** The Topic Filter: `+` for each parameter that is not given. Throws 'invalid' for a value that is no level. */
  filter(params: Partial<TemplateParams<Template>> = {}): string {
    const given: Params = params;
    return (
      this.#share +
      this.#replaced((name, at) => (ownOf(given, name) === undefined ? '+' : this.#value(given, name, at)))
    );
  }

  /** The parameters in a Topic Name; undefined for one that is not of this template. */
  match(topic: string): TemplateParams<Template> | undefined {
    if (this.#filters.collect(topic).length === 0) return undefined;
    const levels = topic.split('/');
    const found = this.#topic.split('/').flatMap((level, at) => (level[0] === '{' ? [levels[at]] : []));
    if (!found.every(isLevel)) return undefined;
    return Object.fromEntries(found.map((value, at) => [this.names[at], value])) as TemplateParams<Template>;
  }

  /** `at` is the place in the topic, 0 for the beginning. */
  #replaced(levelFor: (name: string, at: number) => string): string {
    return this.#topic.replace(PARAMETER, (_, name: string, at: number) => levelFor(name, at));
  }

  #value(params: Params, name: string, at: number): string {
    const value = ownOf(params, name);
    if (isLevel(value) && !(at === 0 && value.startsWith('$'))) return value;
    const found = typeof value === 'string' ? `"${shown(value)}"` : typeof value;
    return this.#fail('fill', `{${name}} is ${found}, one level of a topic is expected`);
  }

  #fail(what: string, why: string): never {
    throw new MqttError('invalid', `Cannot ${what} the template "${shown(this.text)}": ${why}`);
  }
}

/** A whole level. */
const PARAMETER = /(?<![^/])\{(\w+)\}(?![^/])/g;

type Params = Readonly<Record<string, unknown>>;

/** Every object has `constructor` and the like from its prototype. */
function ownOf(params: Params, name: string): unknown {
  return Object.hasOwn(params, name) ? params[name] : undefined;
}

function isLevel(value: unknown): value is string {
  return typeof value === 'string' && /^[^/+#\0-\x1f\x7f-\x9f]+$/.test(value) && value.isWellFormed();
}
