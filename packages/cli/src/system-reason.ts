/** Why the system refused a file, for a sentence that names the file already. */

/** `ENOENT: no such file or directory, open 'a'` is `no such file or directory (ENOENT)`; other errors are their message. */
export function systemReason(error: unknown): string {
  const { message, code } = error as NodeJS.ErrnoException;
  if (code === undefined || !message.startsWith(`${code}: `)) return message;
  const [reason] = message.slice(code.length + 2).split(', ');
  return `${reason} (${code})`;
}
