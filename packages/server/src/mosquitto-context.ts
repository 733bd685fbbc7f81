/** What the parts of the import of a mosquitto.conf share: the draft, the sections, and what there is to tell. */
import { isAbsolute } from 'node:path';
import { printable } from './configuration-reading.ts';
import type { ConfigurationDraft } from './mosquitto-draft.ts';
import type { GivenOption, MosquittoValues } from './mosquitto-file.ts';
import type { MosquittoListener, MosquittoSections } from './mosquitto-sections.ts';

/** Something that whoever imports a file should know. */
export interface ImportRemark {
  /** Of the original, from 1; undefined where it is about what is not there. */
  readonly line: number | undefined;
  readonly text: string;
  /**
   * `lost`: not carried. `note`: carried, and different. `warning`: carried as it is, and dangerous. `needless`: nothing is lost
   * without it.
   */
  readonly kind: 'lost' | 'note' | 'warning' | 'needless';
}

export class ImportContext {
  readonly draft: ConfigurationDraft;
  readonly values: MosquittoValues;
  readonly sections: MosquittoSections;
  /** Listeners that have a counterpart, in the order of the configuration. */
  readonly listeners: readonly MosquittoListener[];
  readonly remarks: ImportRemark[] = [];

  constructor(draft: ConfigurationDraft, values: MosquittoValues, sections: MosquittoSections) {
    this.draft = draft;
    this.values = values;
    this.sections = sections;
    this.listeners = sections.listeners.filter((listener) => !this.#isLeftOut(listener));
  }

  lost({ name, line }: GivenOption, instead: string): void {
    this.remarks.push({ line, text: `${printable(name)} is not carried: ${instead}`, kind: 'lost' });
  }

  needless({ name, line }: GivenOption, why: string): void {
    this.remarks.push({ line, text: `${printable(name)}: ${why}`, kind: 'needless' });
  }

  note(option: GivenOption | undefined, text: string): void {
    this.remarks.push({ line: option?.line, text, kind: 'note' });
  }

  /** A path of the original, which stays as it is. */
  path(option: GivenOption, path: string = option.value): string {
    if (!isAbsolute(path))
      this.note(
        option,
        `${printable(path)} starts from the folder of the configuration file here, not from that of the process`,
      );
    return path;
  }

  isOn(option: GivenOption | undefined): boolean {
    return option !== undefined && this.values.switch(option) === true;
  }

  #isLeftOut({ start, options }: MosquittoListener): boolean {
    const protocol = options.get('protocol');
    const reason =
      options.get('psk_hint') ??
      (protocol !== undefined && protocol.value.split(' ', 1)[0] === 'http_api' ? protocol : undefined);
    if (reason === undefined) return false;
    const why =
      reason.name === 'psk_hint'
        ? 'there are no pre-shared keys: use certificates'
        : 'there is no HTTP API of Mosquitto';
    this.remarks.push({
      line: (start ?? reason).line,
      text: `the listener of line ${(start ?? reason).line} is not carried: ${why}`,
      kind: 'lost',
    });
    return true;
  }
}
