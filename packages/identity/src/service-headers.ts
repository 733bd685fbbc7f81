/** The headers of requests to a service, some of them from files: they may hold secrets. */
import { validateHeaderName, validateHeaderValue } from 'node:http';
import { quoted } from '@dunlin/protocol';
import { readNamedFile } from './named-file.ts';

export interface ServiceHeaders {
  readonly headers?: Readonly<Record<string, string>>;
  /** Headers and the files that their values are read from, such as `{ Authorization: 'FILE' }`. */
  readonly headerFiles?: Readonly<Record<string, string>>;
}

/** Bytes of a file with a value: Node sends no more than 16 KiB of headers anyhow. */
const VALUE_BYTES_MAX = 16_384;

/**
 * All headers, those of files without the line break at their ends. Throws an `Error`, which quotes no value, where a file
 * cannot be read or a header cannot be sent.
 */
export function readServiceHeaders({ headers = {}, headerFiles = {} }: ServiceHeaders): Record<string, string> {
  const all: Record<string, string> = { ...headers };
  for (const [name, path] of Object.entries(headerFiles)) {
    const bytes = readNamedFile(path, `the header ${quoted(name)}`, VALUE_BYTES_MAX);
    all[name] = bytes.toString('utf8').replace(/\r?\n$/, '');
  }
  for (const [name, value] of Object.entries(all)) {
    try {
      validateHeaderName(name);
      validateHeaderValue(name, value);
    } catch {
      throw new Error(`Cannot send the header ${quoted(name)}: a name and a value of one line are expected`);
    }
  }
  return all;
}
