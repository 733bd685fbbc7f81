/** What errors of the device service are to callers of the API, by their codes. */
import {
  CertificateError,
  type CertificateErrorCode,
  CommandError,
  type CommandErrorCode,
  DeviceError,
  type DeviceErrorCode,
} from '@dunlin/devices';
import { ApiProblem, type ProblemCode } from './problems.ts';

const OF_DEVICES: Readonly<Record<DeviceErrorCode, ProblemCode>> = {
  invalid: 'input-invalid',
  'unknown-device': 'device-unknown',
  'device-exists': 'device-exists',
  'changed-meanwhile': 'changed-meanwhile',
  'unknown-token': 'token-unknown',
  'token-limit': 'limit-reached',
  'cursor-invalid': 'cursor-invalid',
};

const OF_CERTIFICATES: Readonly<Record<CertificateErrorCode, ProblemCode>> = {
  'csr-malformed': 'csr-refused',
  'csr-signature': 'csr-refused',
  'csr-name': 'csr-refused',
  'csr-extension': 'csr-refused',
  'key-weak': 'csr-refused',
  'key-taken': 'csr-refused',
  'name-unfit': 'certificate-refused',
  'days-unfit': 'input-invalid',
  'authority-expired': 'certificate-refused',
  'too-many': 'limit-reached',
  unknown: 'certificate-unknown',
  revoked: 'certificate-refused',
  conflict: 'changed-meanwhile',
};

const OF_COMMANDS: Readonly<Record<CommandErrorCode, ProblemCode>> = {
  'unknown-device': 'device-unknown',
  'device-disabled': 'device-disabled',
  'unknown-command': 'command-unknown',
  'unknown-id': 'command-unknown',
  id: 'input-invalid',
  input: 'input-invalid',
  ttl: 'input-invalid',
  rate: 'input-invalid',
  conflict: 'command-conflict',
  ended: 'command-ended',
  'device-commands-max': 'limit-reached',
  'commands-max': 'limit-reached',
  'batches-max': 'limit-reached',
};

/** Undefined where it is none of them. */
export function deviceProblem(error: unknown): ApiProblem | undefined {
  if (error instanceof CommandError) return new ApiProblem(OF_COMMANDS[error.code], error.message);
  if (error instanceof CertificateError) return new ApiProblem(OF_CERTIFICATES[error.code], error.message);
  if (!(error instanceof DeviceError)) return undefined;
  const faults = error.problems.map((problem) => ({ at: '', problem }));
  return new ApiProblem(OF_DEVICES[error.code], error.message, faults);
}
