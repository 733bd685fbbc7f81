/** Turns what is under way into a promise which always settles: by its answer, a time-out or an abort. */

import { type Environment, NEVER_MS } from './environment.ts';
import { MqttError, mqttError, wrongArgument } from './errors.ts';

/** How an operation came out; one of the two is called, once. */
export interface Settle<Result> {
  resolve(result: Result): void;
  reject(error: Error): void;
}

/** The caller's bounds of one operation. */
export interface OperationOptions {
  /** Rejects with 'aborted'. What was sent already goes on at the server; what waits is not sent. */
  readonly signal?: AbortSignal | undefined;
  /** Rejects with 'timed-out' after so many milliseconds, otherwise as an abort. Default: `operationTimeoutMs`. */
  readonly timeoutMs?: number | undefined;
}

/**
 * Starts the operation and settles as `settle` is told, or as the bounds say, whichever is first.
 *
 * `settle` is told an `MqttError`. `attempt` begins the error texts, such as `Cannot publish to "a"`. What `start` throws rejects. The function that it
 * returns is called where a bound was first.
 */
export function operation<Result>(
  environment: Environment,
  attempt: string,
  { signal, timeoutMs = NEVER_MS }: OperationOptions,
  start: (settle: Settle<Result>) => (() => void) | undefined,
): Promise<Result> {
  if (!(timeoutMs >= 0)) return Promise.reject(wrongArgument(attempt, 'timeoutMs', timeoutMs, '0 or more'));
  if (signal?.aborted) return Promise.reject(aborted(attempt, signal));
  const { promise, resolve, reject } = Promise.withResolvers<Result>();
  let cancel: (() => void) | undefined;
  try {
    cancel = start({ resolve, reject });
  } catch (error) {
    reject(mqttError(error));
  }
  const giveUp = (error: MqttError): void => {
    reject(error);
    cancel?.();
  };
  if (signal !== undefined) {
    const onAbort = (): void => giveUp(aborted(attempt, signal));
    signal.addEventListener('abort', onAbort);
    const settled = (): void => signal.removeEventListener('abort', onAbort);
    promise.then(settled, settled);
  }
  if (timeoutMs !== NEVER_MS) {
    const settled = environment.setTimer(timeoutMs, () => giveUp(timedOut(attempt, timeoutMs)));
    promise.then(settled, settled);
  }
  return promise;
}

/** The error of an abort; the signal's reason is its cause. */
export function aborted(attempt: string, signal: AbortSignal | undefined): MqttError {
  return new MqttError('aborted', `${attempt}: aborted`, { cause: signal?.reason });
}

/** The error of a time-out. */
function timedOut(attempt: string, timeoutMs: number): MqttError {
  return new MqttError('timed-out', `${attempt}: no answer within ${timeoutMs} ms`);
}
