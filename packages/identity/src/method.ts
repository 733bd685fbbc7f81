/** A method of authentication: one way in which a client can show who it is. The chain asks one after the other. */
import type { AuthenticationRequest, AuthenticationResult, Awaitable, Principal, Refusal } from '@dunlin/broker';

export interface Method {
  /** As the configuration calls this entry: for events, and as the part of an identity that says what proved it. */
  readonly name: string;
  /** Authentication Methods of MQTT 5.0 that it handles (section 4.12), such as `SCRAM-SHA-256`. Default: none. */
  readonly authenticationMethods?: readonly string[];
  /**
   * Undefined where it says nothing of this client and the next method is to be asked: it does not know the user name,
   * there is no certificate. An answer ends the chain, a refusal as well.
   */
  authenticate(request: AuthenticationRequest): Awaitable<AuthenticationResult | undefined>;
  /** Whether one whom this method let in may stay, asked after something changed. Default: may stay. */
  review?(principal: Principal): Refusal | undefined;
  /** Ends what it watches and asks. */
  close?(): Awaitable<void>;
}
