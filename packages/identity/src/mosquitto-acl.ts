/**
 * Reads an `acl_file` of Mosquitto 2.0. What it means there: `topic` lines hold for the user above them, or for clients
 * without a user name where there is none; `pattern` lines hold for everybody, with `%u` and `%c`, and are asked only where
 * no `topic` line speaks; `deny` comes before the others of its kind. Every subscription is granted and each message checked,
 * which is `broaderFilter: check` here.
 */
import { quoted } from '@dunlin/protocol';
import { RULE_ACTIONS, type Rule, type RuleAction, type Subjects } from './rule.ts';
import { RULES_MAX, RulesError } from './rule-input.ts';
import { plainTemplate, readMosquittoPattern } from './topic-template.ts';

const ACCESS: Readonly<Record<string, Pick<Rule, 'effect' | 'actions'>>> = {
  read: { effect: 'allow', actions: ['subscribe'] },
  write: { effect: 'allow', actions: ['publish', 'will'] satisfies RuleAction[] },
  readwrite: { effect: 'allow', actions: RULE_ACTIONS },
  deny: { effect: 'deny', actions: RULE_ACTIONS },
};
const problemsMax = 100;
const ANONYMOUS: readonly Subjects[] = [{ anonymous: true }];

/**
 * The rules of a file, for `compileRules` with `broaderFilter: 'check'`. `file` is the name shown in problems and places.
 * @throws RulesError with at most 100 problems, each with file and line
 */
export function readMosquittoAcl(text: string, file: string): readonly Rule[] {
  const rules: Rule[] = [];
  const problems: string[] = [];
  let subjects = ANONYMOUS;
  for (const [index, written] of text.split('\n').entries()) {
    const place = `${file}:${index + 1}`;
    try {
      const read = readLine(written, place, subjects);
      if (read === undefined) continue;
      if ('place' in read) rules.push(read);
      else subjects = [read];
    } catch (error) {
      problems.push(`${place}: ${(error as Error).message}`);
    }
    if (problems.length >= problemsMax) problems.push(`Stopped looking after ${problemsMax} problems`);
    if (problems.length > problemsMax) break;
    if (rules.length > RULES_MAX) throw new RulesError([`${file} has more than ${RULES_MAX} rules`]);
  }
  if (problems.length > 0) throw new RulesError(problems);
  return rules;
}

/** A rule, the user that the following lines are about, or undefined for a line that says nothing. */
function readLine(written: string, place: string, subjects: readonly Subjects[]): Rule | Subjects | undefined {
  if (written.startsWith('#') || written.trim() === '') return undefined;
  const line = written.trimEnd().replace(/^ +/, '');
  const [keyword, rest] = cut(line);
  if (keyword !== 'user' && keyword !== 'topic' && keyword !== 'pattern')
    throw new Error(`${quoted(keyword)} is unknown: user, topic or pattern is expected, and a blank behind it`);
  if (rest === '')
    throw new Error(`${keyword} is alone: ${keyword === 'user' ? 'a name' : 'a topic'} is expected behind it`);
  return keyword === 'user' ? { users: new Set([rest]) } : ruleOf(keyword === 'pattern', rest, place, subjects);
}

function ruleOf(isPattern: boolean, rest: string, place: string, subjects: readonly Subjects[]): Rule {
  const [word, behind] = cut(rest);
  // A single word is a topic, be it "read".
  const [access, topic] = behind === '' ? ['readwrite', word] : [word, behind];
  if (!Object.hasOwn(ACCESS, access))
    throw new Error(
      `access is ${quoted(access)}: read, write, readwrite or deny is expected before a topic with blanks`,
    );
  if (/^(read|write|readwrite|deny)\t/.test(topic))
    throw new Error(`the topic is ${quoted(topic)}: a blank is expected behind the access, not a tab`);
  return {
    place,
    ...ACCESS[access],
    topics: [isPattern ? readMosquittoPattern(topic) : plainTemplate(topic)],
    subjects: isPattern ? [] : subjects,
    except: [],
    qosMax: 2,
    retain: true,
    tier: isPattern ? 1 : 0,
    needsPlainNames: isPattern,
  };
}

/** The first word of a line, and what stands behind the blanks that follow it. */
function cut(text: string): [word: string, rest: string] {
  const blank = text.indexOf(' ');
  return blank < 0 ? [text, ''] : [text.slice(0, blank), text.slice(blank).trimStart()];
}
