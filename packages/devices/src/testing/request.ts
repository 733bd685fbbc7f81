/** What the method of devices is asked, and the parts that it is made of, for the tests beside it. */
import type { AuthenticationRequest, AuthenticationResult } from '@dunlin/broker';
import { type Authorities, PasswordVerifier } from '@dunlin/identity';
import { DeviceChecks } from '../credentials/device-checks.ts';
import { type CertificatePolicy, DeviceMethod, type RefusedDevice } from '../credentials/device-method.ts';
import { LiveDevices } from '../credentials/live-devices.ts';
import { Tokens } from '../credentials/tokens.ts';
import type { DeviceType } from '../device-type.ts';
import { testParts, testRegistry } from './registry.ts';

export interface TestShown {
  readonly clientId?: string;
  readonly username?: string;
  readonly password?: string;
  /** In DER. */
  readonly certificates?: readonly Uint8Array[];
}

export function deviceRequest({ clientId = 'c1', username, password, certificates }: TestShown): AuthenticationRequest {
  return {
    peer: { address: '192.0.2.7', port: 50_000, ...(certificates && { certificates: [...certificates] }) },
    listener: 'test',
    connect: {
      type: 'connect',
      protocolVersion: 5,
      bridge: false,
      clientId,
      cleanStart: true,
      keepAlive: 60,
      ...(username !== undefined && { username }),
      ...(password !== undefined && { password: Buffer.from(password) }),
      properties: {},
    },
    data: undefined,
    state: undefined,
    current: undefined,
    gone: new AbortController().signal,
  };
}

/** An answer in one text: `accept ID`, `refuse 0x86 CHECK`, or `nothing`. */
export function answerText(answer: AuthenticationResult | undefined): string {
  if (answer?.kind === 'accept') return `accept ${answer.principal.username}`;
  return answer?.kind === 'refuse' ? `refuse 0x${answer.reasonCode.toString(16)} ${answer.check}` : 'nothing';
}

export interface TestMethodOptions {
  readonly types?: readonly DeviceType[];
  readonly authorities?: Authorities;
  readonly certificates?: Partial<CertificatePolicy>;
  readonly ownAuthority?: string;
  readonly parts?: ReturnType<typeof testParts>;
}

/** Everything that lets devices in, over tables in memory. */
export function testMethod(options: TestMethodOptions = {}) {
  const { registry, parts, types } = testRegistry(options.types, options.parts ?? testParts());
  const tokens = new Tokens(parts, registry, new PasswordVerifier());
  const checks = new DeviceChecks(types, options.ownAuthority ?? 'devices');
  const reviews = { count: 0 };
  const live = new LiveDevices({ registry, tokens, types, checks, clock: parts.clock, review: () => reviews.count++ });
  const refused: RefusedDevice[] = [];
  const method = new DeviceMethod({
    name: 'devices',
    registry,
    tokens,
    checks,
    live,
    authorities: options.authorities,
    certificates: { shown: () => undefined, register: () => undefined, ...options.certificates },
    onRefused: (one) => refused.push(one),
  });
  const ask = async (shown: TestShown) => method.authenticate(deviceRequest(shown));
  const answer = async (shown: TestShown) => answerText(await ask(shown));
  /** The principal of one who is let in, as a copy: so do others with it. */
  const letIn = async (shown: TestShown) => {
    const result = await ask(shown);
    if (result?.kind !== 'accept') throw new Error(`expected to be let in: ${answerText(result)}`);
    return { ...result.principal };
  };
  return { registry, parts, types, tokens, checks, live, method, refused, reviews, ask, answer, letIn };
}
