/** `dunlin acl`: what rules let a client do, which rule decides, and what rules that are tried out decide otherwise. */

import type { AccessReport, RuleAuthorizer } from '@dunlin/identity';
import { visible } from '@dunlin/protocol';
import { type AclRequest, readAclFlags, type ShadowRequest } from './acl-flags.ts';
import { askRunning } from './control.ts';
import { ExitCode, usageError } from './exit-codes.ts';
import type { Terminal } from './terminal.ts';

type Identity = typeof import('@dunlin/identity');
type Server = typeof import('@dunlin/server');
type ConfiguredClient = import('@dunlin/server').ConfiguredClient;
type ShadowReport = import('@dunlin/server').ShadowReport;

/** One answer. */
interface Answer extends AccessReport {
  readonly action: string;
}

/** Runs the command and returns its exit code. Rejects with what `failureOf` understands. */
export async function acl(argv: readonly string[], terminal: Terminal): Promise<number> {
  const request = readAclFlags(argv);
  return request.name === 'shadow' ? await shadow(request, terminal) : await ask(request, terminal);
}

async function ask(request: AclRequest, terminal: Terminal): Promise<number> {
  // Loaded when asked for: `pub` and `sub` start faster without them.
  const [server, identity] = await Promise.all([import('@dunlin/server'), import('@dunlin/identity')]);
  try {
    const { ruleSet, client } = readRequest(server, request);
    const { rules, ...options } = ruleSet;
    const answers = answersOf(identity, identity.compileRules(rules, options), request, client);
    const text = request.json ? answersJson(request, client, answers) : answersText(request, client, answers);
    terminal.output.write(text);
    return answers.every(({ isAllowed }) => isAllowed) ? ExitCode.done : ExitCode.problems;
  } catch (error) {
    throw error instanceof server.ConfigurationError ? usageError(error.message) : error;
  }
}

/** The rules and the client that they are asked for. Throws a ConfigurationError where a file cannot be used. */
function readRequest(server: Server, request: AclRequest) {
  const { config, username, groups, attributes } = request;
  if (config === undefined)
    return { ruleSet: server.readRuleFiles(request), client: { username, groups, attributes, notes: [] } };
  const configuration = server.completeConfiguration(server.readConfigurationFile(config));
  return {
    ruleSet: server.configuredRules(configuration.authorization, configuration.devices),
    client: server.configuredClient(configuration, request),
  };
}

async function shadow(request: ShadowRequest, terminal: Terminal): Promise<number> {
  const report = await askRunning(request, { command: 'acl-shadow' });
  terminal.output.write(request.json ? `${JSON.stringify(report)}\n` : shadowText(report));
  return ExitCode.done;
}

function shadowText(report: ShadowReport | null): string {
  if (report === null) return 'No rules are tried out: authorization.shadow of the configuration names some.\n';
  const { differences, unlisted } = report;
  if (differences.length === 0) return 'The rules that are tried out decided nothing otherwise since they were read.\n';
  const lines = differences.flatMap(({ clientId, action, shape, topic, candidate, count, decidedBy }) => [
    `${candidate.padEnd(9)}  ${action} ${JSON.stringify(shape)} by client ${JSON.stringify(clientId)}, ${count} times`,
    `  first ${JSON.stringify(topic)}; ${decidedBy}`,
  ]);
  if (unlisted > 0) lines.push(`${unlisted} more that are not listed`);
  return `${lines.map((line) => visible(line)).join('\n')}\n`;
}

/** Asks rules, wherever they come from. */
function answersOf(
  identity: Identity,
  authorizer: RuleAuthorizer,
  request: AclRequest,
  { username, groups, attributes }: ConfiguredClient,
): Answer[] {
  const { clientId, commonName, topic, qos, retain } = request;
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

function answersJson(
  { username, clientId, topic, qos, retain }: AclRequest,
  { groups, attributes, notes }: ConfiguredClient,
  answers: readonly Answer[],
): string {
  const results = answers.map(({ refusal, ...answer }) => ({ ...answer, refusal: refusal ?? null }));
  const who = { username: username ?? null, clientId, groups, attributes, notes };
  return `${JSON.stringify({ ...who, topic, qos, retain, results })}\n`;
}

function answersText(
  request: AclRequest,
  { groups, attributes, notes }: ConfiguredClient,
  answers: readonly Answer[],
): string {
  const { username, clientId, topic, qos, retain } = request;
  const who = username === undefined ? 'An anonymous client' : `User ${JSON.stringify(username)}`;
  const how = `QoS ${qos}${retain ? ', retained' : ''}`;
  const lines = [
    `${who} with client id ${JSON.stringify(clientId)}, topic ${JSON.stringify(topic)}, ${how}:`,
    ...(groups.length > 0 ? [`  groups: ${groups.join(', ')}`] : []),
    ...Object.entries(attributes).map(([name, value]) => `  {attr.${name}}: ${JSON.stringify(value)}`),
    ...notes.map((note) => `  ${note}`),
    ...answers.flatMap((answer) => [`  ${answer.action.padEnd(9)}  ${verdict(answer)}`, `    ${answer.decidedBy}`]),
  ];
  return `${lines.map((line) => visible(line)).join('\n')}\n`;
}

function verdict({ action, isAllowed, reasonCode, refusal, isCheckedAtDelivery }: Answer): string {
  if (!isAllowed) return `denied (0x${reasonCode.toString(16).toUpperCase()} ${refusal})`;
  if (action !== 'subscribe') return 'allowed';
  return `QoS ${reasonCode}${isCheckedAtDelivery ? ', each message checked' : ''}`;
}
