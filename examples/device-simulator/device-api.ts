/** The HTTP API of the server, as much of it as the simulator needs. */
import { askServer } from '@dunlin/server';

/** Asks the API, with a key; the answer is its JSON. Rejects with what the server says of a refusal. */
export interface DeviceApi {
  /** `body`: an object goes as JSON, a text as it is. */
  post(path: string, body?: object | string, contentType?: string): Promise<Record<string, unknown>>;
  get(path: string): Promise<Record<string, unknown>>;
}

const KEY_S = 86_400;
const SCOPES = ['devices:read', 'devices:write', 'credentials:write', 'certificates:write', 'commands:write'];

/**
 * The API at a port of this machine, with a key of a day. That is asked for through the control socket of the server, which
 * only the user of the server can reach.
 */
export async function openDeviceApi(dataDirectory: string, port: number): Promise<DeviceApi> {
  const body = { name: 'device simulator', scopes: SCOPES, expiresInS: KEY_S };
  const made = await askServer(dataDirectory, { command: 'api', method: 'POST', path: '/api/v1/keys', body });
  if (made === undefined) throw new Error(`Cannot ask the server of ${dataDirectory}: one that runs is expected`);
  if (made.result.status !== 201) throw new Error(`Cannot get an API key: the server says ${made.result.body}`);
  const { key } = JSON.parse(made.result.body) as { key: string };
  const ask = async (method: string, path: string, text?: string, contentType = 'application/json') => {
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, ...(text !== undefined && { 'content-type': contentType }) },
      ...(text !== undefined && { body: text }),
    });
    const said = await answer.text();
    if (answer.ok) return JSON.parse(said) as Record<string, unknown>;
    throw new Error(`Cannot ${method} ${path}: the server says ${answer.status} ${said}`);
  };
  return {
    post: (path, body, contentType) =>
      ask('POST', path, typeof body === 'object' ? JSON.stringify(body) : body, contentType),
    get: (path) => ask('GET', path),
  };
}
