/** Divides the options of a mosquitto.conf into those for everything, those of each listener, and bridges. */
import type { GivenOption, MosquittoValues } from './mosquitto-file.ts';
import { mosquittoOption } from './mosquitto-options.ts';

/** Options by name, in the order of the file. */
export class GivenOptions {
  readonly #byName = new Map<string, GivenOption[]>();

  add(option: GivenOption): void {
    const former = this.#byName.get(option.name);
    if (former === undefined || !mosquittoOption(option.name)?.isList) this.#byName.set(option.name, [option]);
    else former.push(option);
  }

  /** The last one. */
  get(name: string): GivenOption | undefined {
    return this.#byName.get(name)?.at(-1);
  }

  /** Every one; more than one only for options that may be repeated. */
  all(name: string): readonly GivenOption[] {
    return this.#byName.get(name) ?? [];
  }

  [Symbol.iterator](): Iterator<GivenOption> {
    return [...this.#byName.values()].flat()[Symbol.iterator]();
  }
}

export interface MosquittoListener {
  /** Its line `listener`; undefined for the one of `port` and `bind_address`, or of no line at all. */
  readonly start: GivenOption | undefined;
  readonly options: GivenOptions;
}

export interface MosquittoSections {
  readonly general: GivenOptions;
  /** At least one. */
  readonly listeners: readonly MosquittoListener[];
  /** Nothing in the file speaks of a listener: there is one for this machine alone. */
  readonly isLocal: boolean;
  /** Each begins with its `connection`; options that stand before any are one without. */
  readonly bridges: readonly (readonly GivenOption[])[];
  /** Password and ACL files and allow_anonymous are those of each listener. */
  readonly isPerListener: boolean;
}

/** Divides the options; what stands where it cannot is a problem. */
export function mosquittoSections(given: readonly GivenOption[], values: MosquittoValues): MosquittoSections {
  const general = new GivenOptions();
  const own: MosquittoListener[] = [];
  const bridges: GivenOption[][] = [];
  const implied: MosquittoListener = { start: undefined, options: new GivenOptions() };
  let current: MosquittoListener | undefined;
  let isImplied = false;
  const isPerListener = given.some((option) => option.name === 'per_listener_settings' && values.switch(option));
  const add = (options: GivenOptions, option: GivenOption): void => {
    const former = mosquittoOption(option.name)?.isOnce && options.get(option.name);
    if (former) values.problem(option, `${option.name} stands in line ${former.line} too: it is expected once`);
    options.add(option);
  };
  for (const option of given) {
    const { name } = option;
    const scope = mosquittoOption(name)?.scope;
    if (scope === 'bridge') addToBridges(bridges, option);
    else if (name === 'listener') {
      current = { start: option, options: new GivenOptions() };
      own.push(current);
    } else if (scope === 'global' || (scope === 'security' && !isPerListener)) add(general, option);
    else if (scope === 'security' && current === undefined)
      values.problem(option, `${name} stands before any listener, with per_listener_settings: behind one is expected`);
    else {
      if (name === 'port' || name === 'bind_address') current = implied;
      isImplied ||= current === implied || (current === undefined && impliesListener(option));
      add((current ?? implied).options, option);
    }
  }
  const isLocal = own.length === 0 && !isImplied;
  return { general, listeners: isLocal || isImplied ? [implied, ...own] : own, isLocal, bridges, isPerListener };
}

/** Values of options that, before any listener, make none: Mosquitto 2.0 has them anyway, or pays no heed. */
const IMPLY_NOTHING: Readonly<Record<string, RegExp>> = {
  http_dir: /./,
  max_connections: /^-/,
  max_qos: /^2\b/,
  max_topic_alias: /./,
  max_topic_alias_broker: /./,
  maximum_qos: /^2\b/,
  protocol: /^mqtt\b/,
  require_certificate: /^(?:false|0)\b/,
  tls_version: /./,
  use_identity_as_username: /^(?:false|0)\b/,
  use_subject_as_username: /^(?:false|0)\b/,
  use_username_as_clientid: /^(?:false|0)\b/,
};

function impliesListener({ name, value }: GivenOption): boolean {
  return !(Object.hasOwn(IMPLY_NOTHING, name) && IMPLY_NOTHING[name].test(value));
}

function addToBridges(bridges: GivenOption[][], option: GivenOption): void {
  if (option.name === 'connection' || bridges.length === 0) bridges.push([option]);
  else bridges[bridges.length - 1].push(option);
}
