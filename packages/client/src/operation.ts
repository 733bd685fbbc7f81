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
  if (!(timeoutMs >= 0)) {
    return Promise.reject(wrongArgument(attempt, 'timeoutMs', timeoutMs, '0 or more'));
  }
  if (signal === undefined && timeoutMs === NEVER_MS) {
    return new Promise((resolve, reject) => {
      try {
        start({ resolve, reject });
      } catch (error) {
        reject(mqttError(error));
      }
    });
  }
  if (signal?.aborted) return Promise.reject(aborted(attempt, signal));
  return new Promise((resolve, reject) => {
    let isSettled = false;
    let cancelTimer: (() => void) | undefined;
    let cancel: (() => void) | undefined;
    const settled = (): void => {
      isSettled = true;
      cancelTimer?.();
      signal?.removeEventListener('abort', onAbort);
    };
    const fail = (error: unknown): void => {
      settled();
      reject(mqttError(error));
    };
    const giveUp = (error: MqttError): void => {
      fail(error);
      cancel?.();
    };
    const onAbort = (): void => giveUp(aborted(attempt, signal));
    try {
      cancel = start({
        resolve: (result) => {
          settled();
          resolve(result);
        },
        reject: fail,
      });
    } catch (error) {
      fail(error);
    }
    if (isSettled) return;
    signal?.addEventListener('abort', onAbort);
    if (timeoutMs === NEVER_MS) return;
    cancelTimer = environment.setTimer(timeoutMs, () => giveUp(timedOut(attempt, timeoutMs)));
  });
}

/** The error of an abort; the signal's reason is its cause. */
export function aborted(attempt: string, signal: AbortSignal | undefined): MqttError {
  return new MqttError('aborted', `${attempt}: aborted`, { cause: signal?.reason });
}

/** The error of a time-out. */
export function timedOut(attempt: string, timeoutMs: number): MqttError {
  return new MqttError('timed-out', `${attempt}: no answer within ${timeoutMs} ms`);
}
