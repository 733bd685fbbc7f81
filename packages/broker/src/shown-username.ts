/** The user name of a client in an event: what may be a token, which some clients send as their user name, is in none. */

const CHARACTERS_MAX = 128;
/** Three parts in Base64url, of which the first begins as a header in JSON does. */
const TOKEN_SHAPE = /^e[w-z0-9][\w-]{8,}\.[\w-]{8,}\.[\w-]*$/;

/** Undefined where there is none, and in place of what is long or has the shape of a JSON Web Token. */
export function shownUsername(username: string | undefined): string | undefined {
  if (username === undefined || username.length > CHARACTERS_MAX || TOKEN_SHAPE.test(username)) return undefined;
  return username;
}
