/** Looks a configuration over before it is used: the file itself, and the files that it names. */
import { readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock } from '@dunlin/broker';
import {
  Authorities,
  type Certificate,
  certificateWarnings,
  checkKeyBelongs,
  clientIdRules,
  PasswordVerifier,
  passwordFile,
  readCertificates,
  readMosquittoAcl,
  readPrivateKey,
  scram,
  users,
} from '@dunlin/identity';
import { type Configuration, ConfigurationError } from './configuration.ts';
import { linesOfKeys } from './configuration-file.ts';
import type { AuthorityConfiguration, MethodConfiguration } from './identity-configuration.ts';
import { effectiveConfiguration } from './serve.ts';
import { systemClock } from './system-clock.ts';

/** What a check found, each a line for people. */
export interface CheckedConfiguration {
  /** None: a server would take it. */
  readonly problems: readonly string[];
  /** What will be a problem some day, such as a certificate that ends soon. */
  readonly warnings: readonly string[];
}

/** Files larger than this are not read here. */
const fileBytesMax = 64 * 1024 * 1024;

/** Checks a configuration file and what it names; each problem and warning begins with file and line. */
export function checkConfigurationFile(file: string, clock: Clock = systemClock): CheckedConfiguration {
  let checked: CheckedConfiguration;
  try {
    checked = checkFiles(effectiveConfiguration({ help: false, configFile: file, configuration: {} }), clock);
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    checked = { problems: error.problems, warnings: [] };
  }
  return withLines(file, checked);
}

/**
 * Reads what a configuration names: certificates and their keys, authorities, password and rules files. Each problem begins
 * with the path of its key. Nothing is fetched, opened to write or kept.
 */
export function checkFiles(configuration: Configuration, clock: Clock = systemClock): CheckedConfiguration {
  const check = new FileCheck(clock);
  for (const [index, listener] of configuration.listeners.entries()) {
    const path = `listeners[${index}]`;
    if (listener.tls !== undefined) {
      check.pair(`${path}.tls`, listener.tls);
      for (const [place, pair] of (listener.tls.certificates ?? []).entries())
        check.pair(`${path}.tls.certificates[${place}]`, pair);
    }
    if (listener.path !== undefined) check.folderOf(`${path}.path`, listener.path);
  }
  for (const [index, authority] of configuration.authorities.entries())
    check.authority(`authorities[${index}]`, authority);
  for (const [index, method] of configuration.authentication.entries())
    check.method(`authentication[${index}]`, method);
  for (const [index, { template, patterns, equals }] of configuration.clientIds.entries())
    check.attempt(`clientIds[${index}]`, () => clientIdRules([{ template, patterns, equals }]));
  const { aclFile, rulesFile, shadow } = configuration.authorization;
  if (aclFile !== undefined) check.attempt('authorization.aclFile', () => readMosquittoAcl(readText(aclFile), aclFile));
  check.readable('authorization.rulesFile', rulesFile);
  check.readable('authorization.shadow', shadow);
  if (configuration.log.file !== undefined) check.folderOf('log.file', configuration.log.file);
  return check;
}

class FileCheck implements CheckedConfiguration {
  readonly problems: string[] = [];
  readonly warnings: string[] = [];
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What the attempt throws is a problem of the key, a line each. */
  attempt<Result>(path: string, action: () => Result): Result | undefined {
    try {
      return action();
    } catch (error) {
      const [first, ...rest] = (error as Error).message.split('\n');
      // A heading says nothing that the path does not.
      for (const line of first.endsWith(':') && rest.length > 0 ? rest : [first, ...rest])
        this.problems.push(`${path}: ${line.trim()}`);
      return undefined;
    }
  }

  /** A certificate with its key. */
  pair(path: string, pair: { readonly certificate: string; readonly key: string }): void {
    const chain = this.attempt(`${path}.certificate`, (): Certificate[] =>
      readCertificates(readText(pair.certificate), pair.certificate),
    );
    const key = this.attempt(`${path}.key`, () => readPrivateKey(readText(pair.key), pair.key));
    if (chain === undefined) return;
    if (key !== undefined) this.attempt(`${path}.key`, () => checkKeyBelongs(chain, pair.certificate, key, pair.key));
    for (const { message } of certificateWarnings(chain, pair.certificate, this.#clock.nowMs()))
      this.warnings.push(`${path}.certificate: ${message}`);
  }

  authority(path: string, { name, certificate, crl, crlExpired }: AuthorityConfiguration): void {
    const certificates = this.attempt(`${path}.certificate`, () => readText(certificate));
    const list = crl === undefined ? undefined : this.attempt(`${path}.crl`, () => readBytes(crl));
    if (certificates === undefined) return;
    const crls = crl === undefined || list === undefined ? [] : [{ bytes: list, source: crl }];
    const warn = ({ message }: { readonly message: string }): void => void this.warnings.push(`${path}: ${message}`);
    const definition = { name, certificates, source: certificate, crls, crlExpired };
    this.attempt(path, () => new Authorities({ definitions: [definition], clock: this.#clock, warn }));
  }

  method(path: string, method: MethodConfiguration): void {
    const { name } = method;
    const verifier = new PasswordVerifier();
    if (method.method === 'passwordFile')
      this.attempt(`${path}.file`, () => passwordFile({ name, file: method.file, verifier }));
    else if (method.method === 'scram') this.attempt(`${path}.file`, () => scram({ name, file: method.file }));
    else if (method.method === 'users')
      this.attempt(`${path}.users`, () => users({ name, users: method.users, verifier }));
    else if (method.method === 'jwt') {
      this.readable(`${path}.secretFile`, method.secretFile);
      this.readable(`${path}.jwksFile`, method.jwksFile);
      for (const [index, key] of (method.keys ?? []).entries()) this.readable(`${path}.keys[${index}]`, key);
    }
  }

  /** A file that must be there. */
  readable(path: string, file: string | undefined): void {
    if (file !== undefined) this.attempt(path, () => readBytes(file));
  }

  /** A file that will be made. */
  folderOf(path: string, file: string): void {
    const folder = dirname(file);
    if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
      this.problems.push(`${path}: there is no folder ${folder}: one is expected`);
  }
}

function readBytes(file: string): Buffer {
  try {
    const { size } = statSync(file);
    if (size > fileBytesMax) throw new Error(`it has ${size} bytes, at most ${fileBytesMax} are expected`);
    return readFileSync(file);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new Error(`Cannot read ${file}: ${code === 'ENOENT' ? 'there is no such file' : message}`);
  }
}

function readText(file: string): string {
  return readBytes(file).toString('utf8');
}

/** What says its line already is left alone. */
function withLines(file: string, { problems, warnings }: CheckedConfiguration): CheckedConfiguration {
  const isWithout = (text: string): boolean => !text.startsWith(`${file}:`) && /^[a-z]\w*[.[:\s]/i.test(text);
  if (![...problems, ...warnings].some(isWithout)) return { problems, warnings };
  let lineOf: (path: string) => number;
  try {
    lineOf = linesOfKeys(readText(file));
  } catch {
    return { problems, warnings };
  }
  const placed = (text: string): string => {
    const [path] = /^[a-z]\w*(?:\.\w+|\[\d+\])*/i.exec(text) ?? [''];
    return isWithout(text) ? `${file}:${lineOf(path)}: ${text}` : text;
  };
  return { problems: problems.map(placed), warnings: warnings.map(placed) };
}
