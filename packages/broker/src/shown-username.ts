/** The user name of a client in an event: what may be a token, which some clients send as their user name, is in none. */

const CHARACTERS_MAX = 128;
/** Three parts in Base64url, of which the first begins as a header in JSON does. */
const JWT_SHAPE = /^e[w-z0-9][\w-]{8,}\.[\w-]{8,}\.[\w-]*$/;
/** `dt_`, `dk_` and others like them, which Dunlin puts before its own secrets, and 128 random bits in Base64url. */
const SECRET_SHAPE = /^d[a-z]_[\w-]{22,}$/;

/** What an event may say of a user name, or of what was sent in place of one. Undefined where there is none, and in place of what is long or has the shape of a JSON Web Token or of a secret of Dunlin. */
export function shownUsername(username: string | undefined): string | undefined {
  if (username === undefined || username.length > CHARACTERS_MAX) return undefined;
  if (JWT_SHAPE.test(username) || SECRET_SHAPE.test(username)) return undefined;
  return username;
}
