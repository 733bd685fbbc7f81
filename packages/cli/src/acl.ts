/** `dunlin acl test`: what rules let a client do, and which rule decides. */

import type { AccessReport, RuleAuthorizer } from '@dunlin/identity';
import { type AclRequest, readAclFlags } from './acl-flags.ts';
import { ExitCode, usageError } from './exit-codes.ts';
import type { Terminal } from './terminal.ts';
import { visible } from './visible.ts';

type Identity = typeof import('@dunlin/identity');

/** One answer. */
interface Answer extends AccessReport {
  readonly action: string;
}

/** Runs the command and returns its exit code. Rejects with what `failureOf` understands. */
export async function acl(argv: readonly string[], terminal: Terminal): Promise<number> {
  const request = readAclFlags(argv);
  // Loaded when asked for: `pub` and `sub` start faster without them.
  const [server, identity] = await Promise.all([import('@dunlin/server'), import('@dunlin/identity')]);
  try {
    const { rules, ...options } = server.readRuleFiles(request);
    const answers = answersOf(identity, identity.compileRules(rules, options), request);
    terminal.output.write(request.json ? answersJson(request, answers) : answersText(request, answers));
    return answers.every(({ isAllowed }) => isAllowed) ? ExitCode.done : ExitCode.problems;
  } catch (error) {
    throw error instanceof server.ConfigurationError ? usageError(error.message) : error;
  }
}

/** Asks rules, wherever they come from. */
function answersOf(identity: Identity, authorizer: RuleAuthorizer, request: AclRequest): Answer[] {
  const { username, clientId, commonName, groups, attributes, topic, qos, retain } = request;
  const principal = {
    username,
    identity: username,
    attributes,
    groups,
    certificate: commonName === undefined ? undefined : { authority: '', serial: '', commonName },
    expiresAtMs: Infinity,
    claims: undefined,
  };
  return request.actions.map((action) => ({
    action,
    ...identity.explainAccess({ authorizer, principal, clientId, action, topic, qos, retain }),
  }));
}

function answersJson({ username, clientId, topic, qos, retain }: AclRequest, answers: readonly Answer[]): string {
  const results = answers.map(({ refusal, ...answer }) => ({ ...answer, refusal: refusal ?? null }));
  return `${JSON.stringify({ username: username ?? null, clientId, topic, qos, retain, results })}\n`;
}

function answersText(request: AclRequest, answers: readonly Answer[]): string {
  const { username, clientId, topic, qos, retain } = request;
  const who = username === undefined ? 'An anonymous client' : `User ${JSON.stringify(username)}`;
  const how = `QoS ${qos}${retain ? ', retained' : ''}`;
  const lines = [
    `${who} with client id ${JSON.stringify(clientId)}, topic ${JSON.stringify(topic)}, ${how}:`,
    ...answers.flatMap((answer) => [`  ${answer.action.padEnd(9)}  ${verdict(answer)}`, `    ${answer.decidedBy}`]),
  ];
  return `${lines.map((line) => visible(line)).join('\n')}\n`;
}

function verdict({ action, isAllowed, reasonCode, refusal, isCheckedAtDelivery }: Answer): string {
  if (!isAllowed) return `denied (0x${reasonCode.toString(16).toUpperCase()} ${refusal})`;
  if (action !== 'subscribe') return 'allowed';
  return `QoS ${reasonCode}${isCheckedAtDelivery ? ', each message checked' : ''}`;
}
