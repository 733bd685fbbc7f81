/** Reads files of rules: our own in YAML, and ACL files of Mosquitto; every fault with its file and line. */
import {
  type BroaderFilter,
  type Rule,
  type RulePath,
  type RuleSet,
  RulesError,
  readMosquittoAcl,
  readRules,
} from '@dunlin/identity';
import { type Document, isNode } from 'yaml';
import { ConfigurationError } from './configuration.ts';
import { readConfiguredFile } from './configured-file.ts';
import { readYaml } from './yaml-text.ts';

/** Where the rules of a server stand. */
export interface RuleFiles {
  /** Path of a file of rules in YAML. */
  readonly rules?: string | undefined;
  /** Path of an `acl_file` of Mosquitto. */
  readonly aclFile?: string | undefined;
  /** Default: `check` with an ACL file, since that is what Mosquitto does; else `deny`. */
  readonly broaderFilter?: BroaderFilter | undefined;
}

/**
 * Reads what the files say, together; without a file there are no rules and everything is allowed.
 * @throws ConfigurationError where a file cannot be read or is wrong
 */
export function readRuleFiles({ rules, aclFile, broaderFilter }: RuleFiles): RuleSet {
  if (rules === undefined && aclFile === undefined) return { rules: undefined };
  return {
    rules: [
      ...(rules === undefined ? [] : parseRules(textOf(rules, 'the rules'), rules)),
      ...(aclFile === undefined
        ? []
        : asConfiguration(() => readMosquittoAcl(textOf(aclFile, 'the ACL file'), aclFile))),
    ],
    broaderFilter: broaderFilter ?? (aclFile === undefined ? 'deny' : 'check'),
  };
}

/**
 * Reads the text of a file of rules in YAML; `file` is the name shown in problems.
 * @throws ConfigurationError with the problems of the text, at most 100
 */
export function parseRules(text: string, file: string): readonly Rule[] {
  const { document, faults, lineOf: lineOfNode } = readYaml(text);
  if (faults.length > 0)
    throw new ConfigurationError(faults.slice(0, 100).map(({ line, problem }) => `${file}:${line}: ${problem}`));
  const lineOf = (path: RulePath): string => {
    for (let length = path.length; length > 0; length--) {
      const node = document.getIn(path.slice(0, length), true);
      if (isNode(node) && node.range) return `${file}:${lineOfNode(node)}`;
    }
    return `${file}:${lineOfNode(document.contents)}`;
  };
  return asConfiguration(() => readRules(valuesOf(document, file), { lineOf }));
}

function valuesOf(document: Document, file: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 0 });
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    throw new ConfigurationError([`${file} holds an alias: rules written out are expected`]);
  }
}

function asConfiguration(read: () => readonly Rule[]): readonly Rule[] {
  try {
    return read();
  } catch (error) {
    throw error instanceof RulesError ? new ConfigurationError(error.problems) : error;
  }
}

function textOf(path: string, what: string): string {
  const bytes = readConfiguredFile(path, what);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new ConfigurationError([`Cannot read ${what} from ${JSON.stringify(path)}: text in UTF-8 is expected`]);
  }
}
