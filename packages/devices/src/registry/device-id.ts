/**
 * What a device may be called. Its id is a User Name, a Common Name, a level of topics, a key of tables and a part of
 * URLs: one rule for all of them, so that no place has to escape it in a way that another reads differently.
 */
import { isPasteable, isReadable } from '@dunlin/identity';

/** Units of UTF-16: at most 384 bytes of UTF-8, which fits into the key of a Table with room for more. */
const DEVICE_ID_CHARACTERS_MAX = 128;

const UNSEEN = /[\p{Z}\p{Default_Ignorable_Code_Point}]/u;

/**
 * Whether a text can be the id of a device: 1 to 128 visible characters, none of them white space, `/`, `+` or `#`, the
 * first no `$`; neither `.` nor `..`, which programs take out of paths.
 */
export function isDeviceId(text: string): boolean {
  if (text.length > DEVICE_ID_CHARACTERS_MAX || text === '.' || text === '..') return false;
  return isReadable(text) && isPasteable(text) && !UNSEEN.test(text);
}

/** What `isDeviceId` asks for, for messages: `… is expected`. */
export const DEVICE_ID_EXPECTED = `1 to ${DEVICE_ID_CHARACTERS_MAX} visible characters without white space, "/", "+", "#" and a leading "$"`;
