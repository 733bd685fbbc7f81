/** What the Client Identifiers of a device type look like, and which field of one that does not fit differs. */
import { NOBODY, type Principal } from '@dunlin/broker';
import { type ClientIdRule, type ClientIdRules, clientIdRules, mayRunOver } from '@dunlin/identity';
import { quoted } from '@dunlin/protocol';
import type { ClientIdForm } from '../device-type.ts';

/** Of whom a Client Identifier is judged. */
export interface ClientIdOwner {
  readonly id: string;
  readonly attributes: Readonly<Record<string, string>>;
}

export interface ClientIdCheck {
  /** Attributes that fields must equal. */
  readonly attributes: readonly string[];
  /** Why a Client Identifier is not one of this device, for operators; undefined where it is. */
  problem(clientId: string, owner: ClientIdOwner): string | undefined;
}

/** A field that must equal something of the device. */
interface KnownField {
  readonly field: string;
  /** `{deviceId}` or `{attr.NAME}`. */
  readonly source: string;
}

/** What the fields without a pattern are taken for when a difference is looked for: what most ids are made of. */
const GUESSES = ['uuid', 'no-dash', 'any'] as const;
const ATTRIBUTE = /^\{attr\.([A-Za-z][A-Za-z0-9_.-]{0,63})\}$/;

/**
 * @throws Error for a template, pattern or source that cannot be read, and for a field by which a device could make the Client
 * Identifier of another one
 */
export function compileClientId(form: ClientIdForm): ClientIdCheck {
  const known = Object.entries(form.equals).map(([field, source]) => ({ field, source }));
  for (const { source } of known)
    if (source !== '{deviceId}' && !ATTRIBUTE.test(source))
      throw new Error(`${quoted(source)} was found where {deviceId} or {attr.NAME} is expected`);
  const rules = clientIdRules([ruleOf(form, known)]);
  assertSeparate(form);
  const relaxed = relaxations(form, known);
  return {
    attributes: known.flatMap(({ source }) => attributeOf(source) ?? []),
    problem(clientId, owner) {
      const principal = proven(owner);
      const verdict = rules.judge(clientId, '', principal);
      if (verdict.kind === 'match') return undefined;
      const without = known.find(({ source }) => deviceValue(source, owner) === undefined);
      if (without !== undefined)
        return `the device has no attribute for ${without.source}, which {${without.field}} must equal`;
      return (
        difference(relaxed, clientId, principal, owner) ?? unfit(form, known, owner) + secondReason(verdict.detail)
      );
    },
  };
}

/**
 * The rule in the words of identity: the id is the user name, and attributes stand under names that no field can have, so
 * that a field is compared with nothing but what the form says.
 */
function ruleOf({ template, patterns }: ClientIdForm, known: readonly KnownField[]): ClientIdRule {
  const equals = known.map(({ field, source }) => {
    const attribute = attributeOf(source);
    return [field, attribute === undefined ? '{username}' : `{attr.of.${attribute}}`];
  });
  return { template, patterns, equals: Object.fromEntries(equals) };
}

function proven({ id, attributes }: ClientIdOwner): Principal {
  const renamed = Object.entries(attributes).map(([name, value]) => [`of.${name}`, value]);
  return { ...NOBODY, username: id, attributes: Object.fromEntries(renamed) };
}

/** Patterns that are proposed, the widest first. */
const NARROWER = ['no-dash', 'word', 'letters', 'uuid'] as const;

/**
 * A field that the device chooses ends where the text beside a bound field begins, whatever stands in it. Else `1` is let in
 * as `x-cam-1`, which is an identifier of `cam-1` too, and keeps that one off the line.
 */
function assertSeparate({ template, patterns, equals }: ClientIdForm): void {
  const fields = Array.from(template.matchAll(/\{([^{}]*)\}/g), ({ 0: whole, 1: name, index }) => ({
    ...{ name, isBound: Object.hasOwn(equals, name), begin: index, end: index + whole.length },
    pattern: Object.hasOwn(patterns, name) ? patterns[name] : 'any',
  }));
  for (const [index, free] of fields.entries()) {
    if (free.isBound) continue;
    const before = fields.slice(0, index).findLast(({ isBound }) => isBound);
    const after = fields.slice(index).find(({ isBound }) => isBound);
    if (before !== undefined) assertEnds(template, free, before.name, template[before.end]);
    if (after !== undefined) assertEnds(template, free, after.name, template[after.begin - 1]);
  }
}

/** `beside`: what stands between the bound field and what is next to it; a brace where that is nothing. */
function assertEnds(
  template: string,
  { name, pattern }: { readonly name: string; readonly pattern: string | readonly string[] },
  bound: string,
  beside: string,
): void {
  const separator = beside === '{' || beside === '}' ? undefined : beside;
  if (!mayRunOver(pattern, separator)) return;
  const narrower = NARROWER.find((one) => !mayRunOver(one, separator)) ?? 'uuid';
  const [found, expected] =
    separator === undefined
      ? [`no text parts it from {${bound}}`, 'or a text such as "-" between them,']
      : [`may hold the ${quoted(separator)} that parts it from {${bound}}`, `or another without ${quoted(separator)},`];
  throw new Error(
    `Cannot use the client id template ${quoted(template)}: {${name}} is the choice of the device and ${found}, so that it ` +
      `could make the Client Identifier of another one; patterns: { ${name}: ${narrower} }, ${expected} is expected`,
  );
}

interface Relaxation {
  readonly fields: readonly KnownField[];
  readonly rules: readonly ClientIdRules[];
}

/** The rules without one of the known fields, then without any. */
function relaxations(form: ClientIdForm, known: readonly KnownField[]): Relaxation[] {
  const sets = [...known.map((one) => [one]), ...(known.length > 1 ? [known] : [])];
  return sets.map((fields) => {
    const rest = known.filter((one) => !fields.includes(one));
    const rules = GUESSES.map((guess) => {
      const open = fieldsOf(form.template).filter((field) => !Object.hasOwn(form.patterns, field));
      const guessed = open.map((field) => [field, rest.some((one) => one.field === field) ? 'any' : guess]);
      const patterns = { ...form.patterns, ...Object.fromEntries(guessed) };
      return clientIdRules([ruleOf({ ...form, patterns }, rest)]);
    });
    return { fields, rules };
  });
}

function fieldsOf(template: string): string[] {
  return Array.from(template.matchAll(/\{([^{}]*)\}/g), ([, field]) => field);
}

function difference(
  relaxed: readonly Relaxation[],
  clientId: string,
  principal: Principal,
  owner: ClientIdOwner,
): string | undefined {
  for (const { fields, rules } of relaxed)
    for (const one of rules) {
      const verdict = one.judge(clientId, '', principal);
      if (verdict.kind !== 'match') continue;
      const differing = fields.filter(({ field, source }) => verdict.fields[field] !== deviceValue(source, owner));
      if (differing.length === 0) continue;
      return differing
        .map(
          ({ field, source }) =>
            `{${field}} of the client id is ${quoted(verdict.fields[field])}, ${source} of the device is expected: ` +
            quoted(deviceValue(source, owner) ?? ''),
        )
        .join('; ');
    }
  return undefined;
}

/** With the values of the device in the template, and what its other fields have to look like. */
function unfit({ template, patterns }: ClientIdForm, known: readonly KnownField[], owner: ClientIdOwner): string {
  const values = new Map(known.map(({ field, source }) => [field, deviceValue(source, owner) ?? '']));
  const filled = template.replace(/\{([^{}]*)\}/g, (whole, field) => values.get(field) ?? whole);
  const open = Object.entries(patterns).filter(([field]) => !values.has(field));
  const looks = open.map(([field, pattern]) => `{${field}} ${JSON.stringify(pattern)}`);
  const where = looks.length === 0 ? '' : ` with ${looks.join(', ')}`;
  const its = values.size === 0 ? '' : `, which for this device is ${quoted(filled)}`;
  return `the client id does not fit ${quoted(template)}${its}${where}`;
}

/** Why a reading that fits is not taken, in the words of the form. That none fits was said. */
function secondReason(detail = ''): string {
  if (detail === '' || detail.startsWith('the client id fits none of ')) return '';
  return ` (${detail.replaceAll('{attr.of.', '{attr.').replaceAll('{username}', '{deviceId}')})`;
}

function attributeOf(source: string): string | undefined {
  return ATTRIBUTE.exec(source)?.[1];
}

function deviceValue(source: string, { id, attributes }: ClientIdOwner): string | undefined {
  const name = attributeOf(source);
  if (name === undefined) return id;
  return Object.hasOwn(attributes, name) ? attributes[name] : undefined;
}
