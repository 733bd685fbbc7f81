/** Base64 as credentials are written in: read strictly, so that one value has one spelling. */

/** The bytes, or undefined where the text is not Base64 with its padding. */
export function readBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}

/** The bytes, or undefined where the text is not Base64 without padding, as the PHC string format has it. */
export function readUnpaddedBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return unpaddedBase64(bytes) === text ? bytes : undefined;
}

export function unpaddedBase64(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}
