/**
 * Asks the HTTP API of the server that has a data directory, as its local administrator: by the control socket in it, which
 * takes no API key. The first API key is made with it.
 *
 *     npx node --conditions=@dunlin/source examples/local-api.ts DATA METHOD PATH [JSON]
 */
import { askServer, type LocalRequest } from '@dunlin/server';

const [data, method, path, body] = process.argv.slice(2);
if (path === undefined) throw new Error('Cannot ask the API: DATA, METHOD and PATH are expected');
const answered = await askServer(data, {
  command: 'api',
  method: method as LocalRequest['method'],
  path,
  ...(body !== undefined && { body: JSON.parse(body) }),
});
if (answered === undefined) throw new Error(`Cannot ask the API: a server that has ${data} is expected to run`);
const { status, body: text } = answered.result;
if (status < 400) console.log(text);
else {
  console.error(text);
  process.exitCode = 1;
}
