/** What the device service cannot do, by a stable code. */

/** Every code, with what it means; the HTTP API makes its answers of it. */
export const DEVICE_ERRORS = {
  invalid: 'What was given cannot be used; each fault is named.',
  'unknown-device': 'There is no device of this id.',
  'device-exists': 'There is a device of this id already.',
  'device-removing': 'The device that had this id is removed, and what belonged to it is still being cleared away.',
  'attribute-taken': 'Another device has the value of an attribute that is to be its own.',
  'changed-meanwhile':
    'The device, or its tokens, are no longer at the expected revision, or change too often just now.',
  'credential-kind': 'Devices of this type come in with the other kind of credential.',
  'unknown-token': 'The device has no token of this id.',
  'token-limit': 'The device has as many valid tokens as it may have.',
  'device-disabled': 'The device is disabled: no command is taken for it.',
  'unknown-command': 'The type of the device has no such command.',
  'unknown-command-id': 'There is no command of this id, or none any more.',
  'command-conflict': 'Another command has this id: its device, type or input is not the same.',
  'command-ended': 'The command has ended and cannot be cancelled.',
  'device-commands-limit': 'The device has as many commands that have not ended as it may have.',
  'commands-limit': 'All devices together have as many commands that have not ended as they may have.',
  'claim-type': 'Devices of this type do not ask for a place by a claim, or there is no such type.',
  'claim-limit': 'There are as many claims as there may be, or they came too fast.',
  'claim-code': 'No device shows this code: it is wrong, was used, or its time is over.',
  'claim-guesses': 'Too many wrong codes were entered lately.',
  'unknown-claim': 'There is no such claim, none any more, or its secret is another one.',
  'claim-revoked': 'What was collected for the claim was revoked since.',
  'renewal-refused': 'What was shown does not let a device renew its certificate.',
  'renewal-limit': 'The device has renewed as often as it may within a day.',
  'unknown-batch': 'There is no command to a group of this id, or none any more.',
  'batches-limit': 'As many commands to groups are under way as may be.',
  busy: 'Too many short tokens are checked just now; the same may work later.',
  'cursor-invalid': 'The cursor is none that a page of this list has returned.',
} as const satisfies Record<string, string>;

export type DeviceErrorCode = keyof typeof DEVICE_ERRORS;

/** The message holds no secret. */
export class DeviceError extends Error {
  override readonly name = 'DeviceError';
  readonly code: DeviceErrorCode;
  /** Of `invalid`: every fault, as a sentence of its own; else empty. */
  readonly problems: readonly string[];

  constructor(code: DeviceErrorCode, message: string, problems: readonly string[] = []) {
    super(message);
    this.code = code;
    this.problems = problems;
  }
}

/** The error of input with faults, or nothing where there are none. */
export function throwProblems(what: string, problems: readonly string[]): void {
  if (problems.length > 0) throw new DeviceError('invalid', `Cannot ${what}: ${problems.join('; ')}`, problems);
}
