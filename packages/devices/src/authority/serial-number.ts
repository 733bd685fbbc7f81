/** Serial numbers as people and programs write them, in the one form that records and facts have. */

/** Digits of 20 octets, and of one of zeros before them. */
const DIGITS_MAX = 42;

/**
 * Upper-case hexadecimal of whole octets without those of zeros in front, as `CertificateFacts.serial` and as OpenSSL shows
 * it; from any case, with and without leading zeros, and with
 * colons between octets as OpenSSL prints them. Undefined where it is none.
 */
export function normalSerial(text: string): string | undefined {
  if (text.length > DIGITS_MAX * 2) return undefined;
  const digits = /^[0-9a-f]{2}(?::[0-9a-f]{2})+$/i.test(text) ? text.replaceAll(':', '') : text;
  if (!/^[0-9a-f]+$/i.test(digits) || digits.length > DIGITS_MAX) return undefined;
  const octets = digits.length % 2 === 0 ? digits : `0${digits}`;
  return octets.toUpperCase().replace(/^(?:00)+(?=..)/, '');
}
