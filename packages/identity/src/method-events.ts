/** What methods of authentication and the chain tell operators: answered by nobody, without secrets. */

interface MethodEventFields {
  /** `error`: what it threw, or that it did not answer in time. */
  methodFailed: { method: string; listener: string; clientId: string; error: string };
  /** `stale`: keys that were fetched earlier are used meanwhile. Told once, until `keysAvailable`. */
  keysUnavailable: { method: string; source: string; error: string; stale: boolean };
  keysAvailable: { method: string; source: string };
  /** Told once, until `serviceAvailable`. */
  serviceUnavailable: { method: string; service: string; error: string };
  serviceAvailable: { method: string; service: string };
}

export type MethodEventName = keyof MethodEventFields;
export type MethodEvent = {
  [name in MethodEventName]: { readonly name: name } & Readonly<MethodEventFields[name]>;
}[MethodEventName];

/** Where events go. Never throws. */
export type TellMethodEvent = (event: MethodEvent) => void;

export const METHOD_EVENTS: {
  readonly [name in MethodEventName]: { readonly level: 'info' | 'warn' | 'error'; readonly description: string };
} = {
  methodFailed: { level: 'error', description: 'A method of authentication failed; the client was refused with 0x88.' },
  keysUnavailable: { level: 'error', description: 'Keys for tokens cannot be fetched.' },
  keysAvailable: { level: 'info', description: 'Keys for tokens can be fetched again.' },
  serviceUnavailable: {
    level: 'error',
    description: 'The service that knows the clients does not answer as it should.',
  },
  serviceAvailable: { level: 'info', description: 'The service that knows the clients answers again.' },
};
