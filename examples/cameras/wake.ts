/**
 * Wakes a camera by the HTTP API, and says what became of it within five seconds.
 *
 *     npx node --conditions=@dunlin/source examples/cameras/wake.ts DEVICE_ID KEY_FILE [URL]
 *
 * KEY_FILE holds an API key with the scope `commands:write`, as `dunlin api-key add` prints it; URL is `http://localhost:8080`
 * by default. It ends with 0 where the camera has got the command, with 3 where that is not known yet.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';

const [deviceId, keyFile, url = 'http://localhost:8080'] = process.argv.slice(2);
if (keyFile === undefined) throw new Error('Cannot wake a camera: DEVICE_ID and KEY_FILE are expected');
const key = readFileSync(keyFile, 'utf8').trim();

// The id makes a repeat of this call the same command.
const id = randomUUID();
const response = await fetch(
  new URL(`/api/v1/devices/${encodeURIComponent(deviceId)}/commands/wake?waitMs=5000`, url),
  {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ id }),
  },
);
const answer = (await response.json()) as Readonly<Record<string, unknown>>;
if (response.ok) {
  const { state, confirmed, why } = answer;
  console.log(`${deviceId}: ${state}${confirmed ? ', confirmed' : ''} (${id})${why === '' ? '' : ` ${why}`}`);
  process.exitCode = confirmed ? 0 : 3;
} else {
  console.error(`${answer.code}: ${answer.detail}`);
  process.exitCode = 1;
}
