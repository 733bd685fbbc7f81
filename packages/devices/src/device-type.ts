/** A device type: what all devices of a kind have in common, as the configuration says it. */
import type { RuleInput } from '@dunlin/identity';

export interface DeviceType {
  readonly name: string;
  /** How its devices show who they are. `either`: whichever they come with. */
  readonly credential: 'token' | 'certificate' | 'either';
  /** What the Client Identifier must look like; undefined: any. */
  readonly clientId: ClientIdForm | undefined;
  /** Attributes that each device of the type must have. */
  readonly requiredAttributes: readonly string[];
  /**
   * Attributes of which no two devices have the same value: neither of this type nor of another one that names them here. What
   * devices had when it came to be so stays. Default: none.
   */
  readonly uniqueAttributes?: readonly string[];
  /** What its devices may do; `{username}` is the device id, `{attr.NAME}` an attribute of the device. */
  readonly rules: readonly RuleInput[];
  readonly presence: PresenceForm | undefined;
  readonly commands: Readonly<Record<string, CommandForm>>;
  /** Whether devices may ask for a place in the registry by a claim code. */
  readonly claimable: boolean;
  /**
   * Attributes that a device may say of itself when it asks for that. None that decides what it may do: nobody vouches for
   * them. Default: none.
   */
  readonly claimAttributes?: readonly string[];
}

/** As `ClientIdRule` of identity, where a field may equal `{deviceId}` or `{attr.NAME}` of the device. */
export interface ClientIdForm {
  readonly template: string;
  readonly patterns: Readonly<Record<string, string | readonly string[]>>;
  readonly equals: Readonly<Record<string, string>>;
}

export interface PresenceForm {
  /** Topic of the retained message, with `{deviceId}` and `{attr.NAME}`. */
  readonly topic: string;
}

export interface CommandForm {
  /** Topic with `{deviceId}`, `{commandId}` and `{attr.NAME}`. */
  readonly topic: string;
  /**
   * JSON in which texts may hold `{commandId}`, `{deviceId}`, `{attr.NAME}`, `{nowS}`, `{nowMs}` and `{input}` or
   * `{input.NAME}`. A text that is nothing but one variable becomes its value, with its kind: `"{nowS}"` a number.
   */
  readonly payload: unknown;
  /** JSON Schema of the input that the caller gives; undefined: none is taken. */
  readonly inputSchema: unknown;
  /** Seconds after which a command that was not confirmed has expired. */
  readonly ttlS: number;
  readonly qos: 0 | 1;
  /**
   * Whether a new one takes the place of those of its type that the same device has and that are not known to have gone out: they fail. Default:
   * false, each goes out.
   */
  readonly supersedes?: boolean;
  readonly acknowledgement: AcknowledgementForm | undefined;
}

/** How a device says at application level that it has done what a command says. */
export interface AcknowledgementForm {
  /** Topic with `{deviceId}`, `{attr.NAME}`, and `{commandId}` where the id is not in the payload. */
  readonly topic: string;
  /** JSON pointer to the id of the command in the payload, such as `/message_id`; undefined: the topic has it. */
  readonly id: string | undefined;
  /** Says that the command failed, where the value at this JSON pointer equals one of these. Default: never. */
  readonly failure: { readonly pointer: string; readonly values: readonly unknown[] } | undefined;
}
