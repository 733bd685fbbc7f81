/** Reaches the server that has a data directory, by the control socket in it. */
import { createConnection, type Socket } from 'node:net';
import { join } from 'node:path';
import { socketFolder } from '@dunlin/lmdb';
import {
  CONTROL_SOCKET,
  type ControlAnswer,
  type ControlCommandName,
  ControlError,
  type ControlRequest,
  type ControlResult,
  type ServerIdentity,
} from './control-protocol.ts';
import { linesOf } from './line-stream.ts';

/** What a server answered, and which one it was. */
export interface Answered<Result> {
  readonly server: ServerIdentity;
  readonly result: Result;
}

/** For a server that lives to say so; what it was asked for may take as long as it takes. */
const HELLO_MS = 10_000;
const ANSWER_BYTES_MAX = 16 * 1024 * 1024;
/** No socket, none that could be there, or one on which nobody listens. */
const NOBODY: readonly unknown[] = ['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ECONNREFUSED'];

/**
 * Has the server of the directory run a command. Undefined where no server listens there.
 * @throws ControlError with the code of the server's refusal, 'unreachable', or 'connection-lost' where the server went away
 * before it answered: what was asked may have been done
 */
export async function askServer<Name extends ControlCommandName>(
  directory: string,
  request: ControlRequest<Name>,
  helloMs = HELLO_MS,
): Promise<Answered<ControlResult<Name>> | undefined> {
  if (process.platform === 'win32') return undefined;
  const socket = await connect(directory);
  if (socket === undefined) return undefined;
  const lines = linesOf(socket, ANSWER_BYTES_MAX);
  const ask = async <Asked extends ControlCommandName>(asked: ControlRequest<Asked>) => {
    socket.write(`${JSON.stringify(asked)}\n`);
    return resultOf((await lines.next()).value) as ControlResult<Asked>;
  };
  const silent = setTimeout(() => socket.destroy(new Error('it does not answer')), helloMs);
  let isThere = false;
  try {
    const { pid, version } = await ask<'hello'>({ command: 'hello' });
    clearTimeout(silent);
    isThere = true;
    return { server: { pid, version }, result: await ask(request) };
  } catch (error) {
    if (error instanceof ControlError) throw error;
    throw isThere && !(error instanceof SyntaxError) ? lost(directory, error) : unreachable(directory, error);
  } finally {
    clearTimeout(silent);
    socket.destroy();
  }
}

async function connect(directory: string): Promise<Socket | undefined> {
  let free = (): void => undefined;
  try {
    const found = socketFolder(directory, CONTROL_SOCKET.length);
    free = found.free;
    return await new Promise((resolve, reject) => {
      const socket = createConnection(join(found.folder, CONTROL_SOCKET), () => resolve(socket));
      socket.once('error', reject);
    });
  } catch (error) {
    if (NOBODY.includes((error as NodeJS.ErrnoException).code)) return undefined;
    throw unreachable(directory, error);
  } finally {
    free();
  }
}

/** @throws ControlError */
function resultOf(line: string | undefined): unknown {
  if (line === undefined) throw new Error('it ended the connection');
  const answer = JSON.parse(line) as ControlAnswer;
  if ('error' in answer) throw new ControlError(answer.error.code, answer.error.message);
  return answer.result;
}

function lost(directory: string, cause: unknown): ControlError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const text = `Cannot say what the server of ${directory} did: the connection to it was lost (${code ?? message})`;
  return new ControlError('connection-lost', text, cause);
}

function unreachable(directory: string, cause: unknown): ControlError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const hint = code === 'EACCES' || code === 'EPERM' ? '; expected is the user of the server' : '';
  return new ControlError('unreachable', `Cannot reach the server of ${directory}: ${message}${hint}`, cause);
}
