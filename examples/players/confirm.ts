/**
 * Enters the code that a player shows for its owner, as the web site does where the owner is signed in.
 *
 *     npx node --conditions=@dunlin/source examples/players/confirm.ts CODE OWNER KEY_FILE [API_URL]
 *
 * KEY_FILE holds an API key with the scope `claims:write`, as `dunlin api-key add` prints it; API_URL is
 * `http://localhost:8081` by default. It prints the player_key.
 */
import { readFileSync } from 'node:fs';

const [code, owner, keyFile, apiUrl = 'http://localhost:8081'] = process.argv.slice(2);
if (keyFile === undefined) throw new Error('Cannot enter a code: CODE, OWNER and KEY_FILE are expected');
const response = await fetch(new URL('/api/v1/claims/confirm', apiUrl), {
  method: 'POST',
  headers: {
    authorization: `Bearer ${readFileSync(keyFile, 'utf8').trim()}`,
    'content-type': 'application/json',
  },
  body: JSON.stringify({ code, owner }),
});
const answer = (await response.json()) as Readonly<Record<string, unknown>>;
if (response.ok) console.log(answer.deviceId);
else {
  console.error(`${answer.code}: ${answer.detail}`);
  process.exitCode = 1;
}
