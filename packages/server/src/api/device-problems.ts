/** What errors of the device service are to callers of the API, by their codes. */
import { CertificateError, type CertificateErrorCode, DeviceError, type DeviceErrorCode } from '@dunlin/devices';
import { ApiProblem, type ProblemCode } from './problems.ts';

const OF_DEVICES: Readonly<Record<DeviceErrorCode, ProblemCode>> = {
  invalid: 'input-invalid',
  'unknown-device': 'device-unknown',
  'device-exists': 'device-exists',
  'device-removing': 'device-removing',
  'attribute-taken': 'attribute-taken',
  'changed-meanwhile': 'changed-meanwhile',
  'credential-kind': 'credential-kind',
  'unknown-token': 'token-unknown',
  'token-limit': 'limit-reached',
  'device-disabled': 'device-disabled',
  'unknown-command': 'command-unknown',
  'unknown-command-id': 'command-unknown',
  'command-conflict': 'command-conflict',
  'command-ended': 'command-ended',
  'device-commands-limit': 'limit-reached',
  'commands-limit': 'limit-reached',
  'claim-type': 'claim-refused',
  'claim-limit': 'too-many-requests',
  'claim-code': 'claim-code-unknown',
  'claim-guesses': 'too-many-requests',
  'unknown-claim': 'claim-unknown',
  'claim-revoked': 'claim-revoked',
  'renewal-refused': 'renewal-refused',
  'renewal-limit': 'too-many-requests',
  'unknown-batch': 'command-unknown',
  'batches-limit': 'limit-reached',
  busy: 'too-busy',
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

/** Undefined where it is none of them. */
export function deviceProblem(error: unknown): ApiProblem | undefined {
  if (error instanceof CertificateError) return new ApiProblem(OF_CERTIFICATES[error.code], error.message);
  if (!(error instanceof DeviceError)) return undefined;
  const faults = error.problems.map((problem) => ({ at: '', problem }));
  return new ApiProblem(OF_DEVICES[error.code], error.message, faults);
}
