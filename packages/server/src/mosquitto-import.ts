/** Converts a mosquitto.conf to a configuration of ours, and says what it could not carry. */

import { basename } from 'node:path';
import { quoted } from '@dunlin/protocol';
import { ConfigurationError, completeConfiguration } from './configuration.ts';
import { parseConfiguration } from './configuration-file.ts';
import { Problems } from './configuration-reading.ts';
import { importAccess } from './mosquitto-access.ts';
import { ImportContext, type ImportRemark } from './mosquitto-context.ts';
import { ConfigurationDraft } from './mosquitto-draft.ts';
import { type GivenOption, MosquittoValues, parseMosquittoFile, wordOf } from './mosquitto-file.ts';
import { importLimits } from './mosquitto-limits.ts';
import { importListeners } from './mosquitto-listeners.ts';
import { importLog } from './mosquitto-log.ts';
import { type MosquittoOption, mosquittoOption } from './mosquitto-options.ts';
import { mosquittoSections } from './mosquitto-sections.ts';

/** What a mosquitto.conf became. */
export interface MosquittoImport {
  /** A commented configuration file. Paths in it are those of the original. */
  readonly yaml: string;
  /** In the order of the lines. */
  readonly remarks: readonly ImportRemark[];
}

/**
 * Converts the text of a mosquitto.conf of Mosquitto 2.0 or 2.1; `file` is the name shown in problems. What Mosquitto
 * does by default and Dunlin does not is written out, so that nobody comes in who did not before.
 * @throws ConfigurationError where Mosquitto itself would not take the text, or where no listener can be carried
 */
export function importMosquitto(text: string, file: string): MosquittoImport {
  const given = parseMosquittoFile(text, file);
  const problems = new Problems();
  const values = new MosquittoValues(file, problems);
  const draft = new ConfigurationDraft();
  const context = new ImportContext(draft, values, mosquittoSections(given, values));
  if (context.listeners.length === 0)
    throw new ConfigurationError([`Cannot convert ${file}: none of its listeners can be carried, one is expected`]);
  importAccess(context, importListeners(context));
  importStorage(context);
  importLog(context);
  importLimits(context);
  importFates(context);
  importBridges(context);
  problems.throwIfAny();
  const remarks = context.remarks.toSorted((one, other) => (one.line ?? 0) - (other.line ?? 0));
  const yaml = draft.text(headOf(file, context), tailOf(remarks));
  checkResult(yaml, file);
  return { yaml, remarks };
}

function importStorage(context: ImportContext): void {
  const { draft, sections } = context;
  const option = sections.general.get('persistence') ?? sections.general.get('retained_persistence');
  const location = sections.general.get('persistence_location');
  if (!context.isOn(option)) {
    const above = ['As with Mosquitto: nothing survives a restart. durable keeps whatever was acknowledged.'];
    draft.set(['durability'], 'memory', { line: option?.line, above });
    if (location !== undefined) context.needless(location, 'it counts only with persistence true');
    return;
  }
  const above = ["Dunlin's own store; what is in Mosquitto's mosquitto.db is not read."];
  if (location !== undefined) draft.set(['data'], context.path(location), { line: location.line, above });
  draft.set(['durability'], 'durable', { line: option?.line });
}

/** What the table says of options that have no key. */
function importFates(context: ImportContext): void {
  const options: GivenOption[] = [...context.sections.general];
  for (const listener of context.listeners) options.push(...listener.options);
  for (const option of options) {
    const row = mosquittoOption(option.name);
    if (row === undefined) continue;
    checkValue(context, option, row.value);
    if ('needless' in row.fate) context.needless(option, row.fate.needless);
    if (!('instead' in row.fate)) continue;
    if (row.fate.unless?.includes(normal(option))) context.needless(option, 'so it is here');
    else context.lost(option, row.fate.instead);
  }
}

function checkValue({ values }: ImportContext, option: GivenOption, kind: MosquittoOption['value']): void {
  if (kind === 'switch') values.switch(option);
  if (kind === 'number') values.number(option);
  if (option.name === 'socket_domain') values.choice(option, { ipv4: true, ipv6: true });
}

/** Mosquitto takes 1 and 0 for true and false. */
function normal(option: GivenOption): string {
  const word = wordOf(option);
  if (mosquittoOption(option.name)?.value !== 'switch') return word;
  return { 1: 'true', 0: 'false' }[word] ?? word;
}

/** Nothing of a bridge is shown but its name: there are passwords among its options. */
function importBridges(context: ImportContext): void {
  for (const [first, ...rest] of context.sections.bridges) {
    const fate = mosquittoOption(first.name)?.fate;
    const instead = fate !== undefined && 'instead' in fate ? fate.instead : '';
    const what = first.name === 'connection' ? `connection ${quoted(first.value)}` : first.name;
    const more = rest.length === 0 ? 'is' : `with its options up to line ${rest[rest.length - 1].line} is`;
    context.remarks.push({ line: first.line, text: `${what} ${more} not carried: ${instead}`, kind: 'lost' });
  }
}

function headOf(file: string, { sections }: ImportContext): string[] {
  const packets = ['max_packet_size', 'message_size_limit'].some((name) => sections.general.get(name) !== undefined);
  return [
    `Converted by "dunlin config import" from ${quoted(basename(file))}.`,
    'Every key, with its default: docs/reference/configuration.md',
    ...(packets
      ? []
      : ['Packets may have 4 MiB unless limits.maximumPacketSize says more; Mosquitto 2.0 had no limit.']),
  ];
}

function tailOf(remarks: readonly ImportRemark[]): string[] {
  const of = (kind: ImportRemark['kind']): string[] =>
    remarks
      .filter((remark) => remark.kind === kind)
      .map(({ line, text }) => (line === undefined ? text : `line ${line}: ${text}`));
  const [lost, needless] = [of('lost'), of('needless')];
  return [
    ...(lost.length > 0 ? ['Not carried:', ...lost] : []),
    ...(lost.length > 0 && needless.length > 0 ? [''] : []),
    ...(needless.length > 0 ? ['Without effect here:', ...needless] : []),
  ];
}

/** What Mosquitto would take and we would not, such as two listeners at one port. */
function checkResult(yaml: string, file: string): void {
  try {
    const parsed = parseConfiguration(yaml, 'the result');
    const data = parsed.durability === 'memory' ? undefined : (parsed.data ?? '.');
    completeConfiguration({ ...parsed, data });
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    throw new ConfigurationError(error.problems.map((problem) => `Cannot convert ${file}: ${problem}`));
  }
}
