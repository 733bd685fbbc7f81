/** The user name of a client in an event: what may be a token, which some clients send as their user name, is in none. */

const CHARACTERS_MAX = 128;
/** Three parts in Base64url, of which the first begins as a header in JSON does. */
const JWT_SHAPE = /^e[w-z0-9][\w-]{8,}\.[\w-]{8,}\.[\w-]*$/;
/** What Dunlin puts before its own secrets (`dt_`, `dk_`, `dr_`, `cs_`), and at least 128 random bits in Base64url. */
const SECRET = /(?<![A-Za-z\d])(d[a-z]|cs)_[\w-]{22,}/;
const SECRETS = new RegExp(SECRET, 'g');

/** What an event may say of a user name, or of what was sent in place of one. Undefined where there is none, and in place of what is long or has the shape of a JSON Web Token or of a secret of Dunlin. */
export function shownUsername(username: string | undefined): string | undefined {
  if (username === undefined || username.length > CHARACTERS_MAX) return undefined;
  if (JWT_SHAPE.test(username) || SECRET.test(username)) return undefined;
  return username;
}

/** A text, such as a Client Identifier, in which of each secret of Dunlin only the kind is left: `dk_…`. */
export function withoutSecrets(text: string): string {
  return text.replace(SECRETS, '$1_…');
}
