/** Why the API refuses: a closed table of codes, and the error that carries one. Code, tests and reference use it alike. */

interface Problem {
  readonly status: number;
  /** What happened, in a sentence that is the same each time. */
  readonly title: string;
}

export const PROBLEMS = {
  'json-invalid': { status: 400, title: 'The body is no JSON.' },
  'input-invalid': { status: 400, title: 'What was given is not what is expected; `errors` names each place.' },
  'request-invalid': { status: 400, title: 'The request cannot be read.' },
  'body-too-deep': { status: 400, title: 'The body nests objects or lists too deeply.' },
  'cursor-invalid': { status: 400, title: 'The cursor is none that a page before ended with.' },
  'idempotency-key-invalid': { status: 400, title: 'The Idempotency-Key cannot be used here, or is of a wrong form.' },
  'key-missing': { status: 401, title: 'No API key was shown.' },
  'key-refused': { status: 401, title: 'The API key is unknown, was deleted or has expired.' },
  'scope-missing': { status: 403, title: 'The API key may not do this.' },
  'sign-in-refused': { status: 401, title: 'The user name or the password is wrong.' },
  'session-missing': { status: 401, title: 'Nobody is signed in, or no longer.' },
  'form-refused': {
    status: 403,
    title: 'The request was not sent by a page of this server, or carries no token of it.',
  },
  'renewal-refused': { status: 403, title: 'What the device showed does not let it renew its certificate.' },
  'address-banned': { status: 403, title: 'Nobody at the address is let in for now: too much was guessed there.' },
  'origin-refused': { status: 403, title: 'A page of another origin sent the request.' },
  'route-unknown': { status: 404, title: 'Nothing is there.' },
  'method-unknown': { status: 405, title: 'Nothing is done there by this method; Allow says by which.' },
  'device-unknown': { status: 404, title: 'There is no device with this id.' },
  'token-unknown': { status: 404, title: 'The device has no token with this id.' },
  'certificate-unknown': { status: 404, title: 'There is no certificate with this serial number.' },
  'command-unknown': {
    status: 404,
    title: 'There is no command or batch with this id, or no such command of the device type.',
  },
  'authority-missing': { status: 404, title: 'The configuration names no authority for certificates of devices.' },
  'api-key-unknown': { status: 404, title: 'There is no API key with this id.' },
  'claim-unknown': {
    status: 404,
    title: 'There is no claim with this id, or with this secret, or none any more: the device begins anew.',
  },
  'claim-code-unknown': { status: 404, title: 'No device shows this code.' },
  'idempotency-running': { status: 409, title: 'The first request with this Idempotency-Key is not answered yet.' },
  'idempotency-secret': {
    status: 409,
    title: 'The request was carried out before; its answer held a secret, which is shown once.',
  },
  'claim-refused': { status: 409, title: 'No device of this type may ask for a place.' },
  'device-exists': { status: 409, title: 'There is a device with this id.' },
  'device-removing': {
    status: 409,
    title: 'The device that had this id is being removed: the same works when that is finished.',
  },
  'attribute-taken': { status: 409, title: 'Another device has the value of an attribute that is to be its own.' },
  'device-disabled': { status: 409, title: 'The device is not enabled.' },
  'credential-kind': { status: 409, title: 'Devices of this type come in with the other kind of credential.' },
  'certificate-refused': { status: 409, title: 'The certificate cannot be issued, renewed or revoked as things are.' },
  'csr-refused': { status: 400, title: 'The certification request cannot be used.' },
  'command-conflict': { status: 409, title: 'Another command has this id.' },
  'command-ended': { status: 409, title: 'The command has ended.' },
  'changed-meanwhile': { status: 412, title: 'Somebody else has changed it meanwhile.' },
  'claim-revoked': {
    status: 410,
    title: 'What the device collected for this claim was revoked since: the device begins anew.',
  },
  'limit-reached': { status: 409, title: 'There are as many as the configuration allows.' },
  'body-too-large': { status: 413, title: 'The body is too large.' },
  'media-type-unknown': { status: 415, title: 'A body of this Content-Type is not taken here.' },
  'host-refused': { status: 421, title: 'The host that was asked for is no name of this server.' },
  'idempotency-mismatch': { status: 422, title: 'Another request was made with this Idempotency-Key.' },
  'too-many-requests': { status: 429, title: 'Too many requests came; Retry-After says when to try again.' },
  internal: { status: 500, title: 'The server failed; its log says how, under the id of the request.' },
  'too-busy': { status: 503, title: 'As much is under way as the configuration allows; the same may work later.' },
} as const satisfies Readonly<Record<string, Problem>>;

export type ProblemCode = keyof typeof PROBLEMS;

/** One place of the input: a JSON pointer, and what is expected there. */
export interface InputFault {
  readonly at: string;
  readonly problem: string;
}

/** Becomes the answer to the request that met it. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem';
  readonly code: ProblemCode;
  readonly errors: readonly InputFault[];

  /** `detail` goes to the caller: it holds no secret. */
  constructor(code: ProblemCode, detail: string, errors: readonly InputFault[] = []) {
    super(detail);
    this.code = code;
    this.errors = errors;
  }
}

/** The body of an answer with `application/problem+json` (RFC 9457). */
export function problemBody({ code, message, errors }: ApiProblem, requestId: string): Record<string, unknown> {
  const { status, title } = PROBLEMS[code];
  const list = errors.length === 0 ? {} : { errors };
  return { type: `urn:dunlin:problem:${code}`, title, status, detail: message, code, requestId, ...list };
}
