/**
 * Renews the certificate of a player, which connects with the new one as soon as it is there.
 *
 *     npx node --conditions=@dunlin/source examples/players/renew.ts FOLDER KEY_FILE [API_URL]
 *
 * FOLDER is that of the player, KEY_FILE the answer of `POST /api/v1/keys`; API_URL is `http://localhost:8081` by default.
 */
import { renewCredentials } from './credentials.ts';

const [folder, keyFile, apiUrl = 'http://localhost:8081'] = process.argv.slice(2);
if (keyFile === undefined) throw new Error('Cannot renew a certificate: FOLDER and KEY_FILE are expected');
await renewCredentials(folder, apiUrl, keyFile);
console.log('Renewed');
