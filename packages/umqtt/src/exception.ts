/** The exception of this API, with the codes that the server's answers have in MQTT 3.1 and 3.1.1. */

import { MqttError } from '@dunlin/client';

/** What the codes mean; those of CONNACK are 1 to 5, that of SUBACK is 128. */
const MEANINGS: Readonly<Record<number, string>> = {
  1: 'unacceptable protocol version',
  2: 'client identifier rejected',
  3: 'server unavailable',
  4: 'bad user name or password',
  5: 'not authorized',
  128: 'the server refused the subscription',
};

/** Where no packet of the server gives a code: as `get_mqttsta()` says connection error. */
const NO_CODE = -1;

/** Why a call failed. */
export class MQTTException extends Error {
  override readonly name = 'MQTTException';
  /** 1 to 5: the Return Code of CONNACK; 128: SUBACK refused the topic; -1: all else, see `meaning` and `cause`. */
  readonly code: number;
  /** The code in words; for -1 what happened. */
  readonly meaning: string;

  /** Of `exceptionOf` alone. */
  constructor(message: string, code: number, meaning: string, cause: MqttError) {
    super(message, { cause });
    this.code = code;
    this.meaning = meaning;
  }
}

/** The exception for a failure of the client, such as `Cannot connect: bad user name or password (4)`; the cause is that. */
export function exceptionOf(attempt: string, error: MqttError): MQTTException {
  const code = error.returnCode ?? (error.packet?.type === 'suback' ? error.reasonCode : undefined) ?? NO_CODE;
  const known = MEANINGS[code];
  if (known !== undefined) return new MQTTException(`${attempt}: ${known} (${code})`, code, known, error);
  const { message } = error;
  const meaning = message.startsWith(`${attempt}: `) ? message.slice(attempt.length + 2) : message;
  const isTold = message.startsWith(attempt);
  return new MQTTException(isTold ? message : `${attempt}: ${message}`, NO_CODE, meaning, error);
}

/** Does the work; a failure of the client becomes an `MQTTException`, other errors are mistakes of the program and stay. */
export async function told<Result>(attempt: string, work: () => Result | Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof MqttError ? exceptionOf(attempt, error) : error;
  }
}
