/** Who comes with the commands of the first screen: somebody whom a listener lets in, and who may do what they do. */
import { NOBODY, type Principal } from '@dunlin/broker';
import type { RuleAuthorizer } from '@dunlin/identity';
import type { Configuration, ListenerConfiguration } from './configuration.ts';
import type { MethodConfiguration } from './identity-configuration.ts';
import { isOpen, methodsAt } from './let-in.ts';
import { shellWord } from './shell-word.ts';

export const TRYOUT = { filter: 'greetings/#', topic: 'greetings/hello' } as const;

export interface Visitor {
  /** Of either tool, such as ` -u USER -P PASSWORD`: words in capitals stand for what the reader knows. */
  readonly flags: string;
  /** As the rules know him. */
  readonly principal: Principal;
}

/** The names that are tried are few: of a long list of users the reader knows one himself. */
const NAMES_MAX = 100;
const ANY_CLIENT = 'CLIENTID';

/** The first who is let in with what tools can show, and may subscribe and publish; undefined where there is none. */
export function visitorAt(
  configuration: Configuration,
  listener: ListenerConfiguration,
  authorizer: RuleAuthorizer,
): Visitor | undefined {
  for (const visitor of visitors(configuration, listener, authorizer)) if (mayTry(visitor, authorizer)) return visitor;
  return undefined;
}

function mayTry({ principal }: Visitor, authorizer: RuleAuthorizer): boolean {
  const permissions = authorizer.permissions(ANY_CLIENT, principal);
  if (permissions === undefined) return true;
  const { filter, topic } = TRYOUT;
  return permissions.maySubscribe(filter, 0) < 0x80 && permissions.mayPublish(topic, 0, false) === 0;
}

function* visitors(
  configuration: Configuration,
  listener: ListenerConfiguration,
  authorizer: RuleAuthorizer,
): Iterable<Visitor> {
  const methods = methodsAt(configuration, listener);
  if (isOpen(configuration, listener)) {
    const groups = methods.find(({ method }) => method === 'anonymous');
    yield { flags: '', principal: { ...NOBODY, groups: groupsOf(groups) } };
  }
  for (const method of methods) {
    // Whoever comes with a User Name that is no device is refused by it.
    if (method.method === 'devices') return;
    yield* visitorsOf(method, listener, authorizer);
  }
}

function* visitorsOf(
  method: MethodConfiguration,
  listener: ListenerConfiguration,
  authorizer: RuleAuthorizer,
): Iterable<Visitor> {
  const named = (username: string): Principal => ({ ...NOBODY, username, groups: groupsOf(method) });
  switch (method.method) {
    case 'users':
      for (const { name, groups = [], attributes = {}, disabled } of method.users.slice(0, NAMES_MAX))
        if (disabled !== true)
          yield { flags: ` -u ${shellWord(name)} -P PASSWORD`, principal: { ...named(name), groups, attributes } };
      return;
    case 'passwordFile':
    case 'http':
      yield { flags: ' -u USER -P PASSWORD', principal: named('USER') };
      for (const name of namesOf(authorizer))
        yield { flags: ` -u ${shellWord(name)} -P PASSWORD`, principal: named(name) };
      return;
    case 'jwt': {
      const flags = method.from === 'username' ? ' -u TOKEN' : ' -u USER -P TOKEN';
      for (const name of ['USER', ...namesOf(authorizer)]) yield { flags, principal: named(name) };
      return;
    }
    case 'certificate': {
      // Behind a proxy it is the proxy to which it is shown.
      if (listener.tls === undefined) return;
      const match = { none: '', username: ' -u NAME', clientId: ' -i NAME' }[method.match ?? 'none'];
      const certificate = { authority: 'AUTHORITY', serial: '01', commonName: 'NAME' };
      yield { flags: ` --cert CERTIFICATE --key KEY${match}`, principal: { ...named('NAME'), certificate } };
    }
  }
}

function groupsOf(method: MethodConfiguration | undefined): readonly string[] {
  return method !== undefined && 'groups' in method ? (method.groups ?? []) : [];
}

/** Users to whom a rule allows something. */
function namesOf({ rules = [] }: RuleAuthorizer): string[] {
  const allowing = rules.filter(({ effect }) => effect === 'allow').flatMap(({ subjects }) => subjects);
  return [...new Set(allowing.flatMap(({ users = [] }) => [...users]))].slice(0, NAMES_MAX);
}
