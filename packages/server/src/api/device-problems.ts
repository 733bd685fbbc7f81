/** What errors of the device service are to callers of the API, by their codes. */
import { DeviceError } from '@dunlin/devices';
import { ApiProblem, type ProblemCode } from './problems.ts';

const DEVICE_PROBLEMS = {
  invalid: 'input-invalid',
  'unknown-device': 'device-unknown',
  'device-exists': 'device-exists',
  'changed-meanwhile': 'changed-meanwhile',
  'unknown-token': 'token-unknown',
  'token-limit': 'limit-reached',
  'cursor-invalid': 'cursor-invalid',
} as const satisfies Readonly<Record<DeviceError['code'], ProblemCode>>;

/** Undefined where it is none of them. */
export function deviceProblem(error: unknown): ApiProblem | undefined {
  if (error instanceof DeviceError)
    return new ApiProblem(
      DEVICE_PROBLEMS[error.code],
      error.message,
      error.problems.map((problem) => ({ at: '', problem })),
    );
  return undefined;
}
