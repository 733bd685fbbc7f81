/** Looks a configuration over before it is used: the file itself, and the files that it names. */

import { readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock } from '@dunlin/broker';
import { DeviceTypes } from '@dunlin/devices/configuration';
import { type CertificateWarning, readCertificates } from '@dunlin/identity';
import { readConfiguredKeys } from './api/configured-keys.ts';
import {
  type CertificateFiles,
  type Configuration,
  ConfigurationError,
  filledConfiguration,
  type ListenerConfiguration,
  type PartialConfiguration,
} from './configuration.ts';
import { contradictionsOf } from './configuration-contradictions.ts';
import { linesOfKeys, type SurveyedFile, surveyConfigurationFile } from './configuration-file.ts';
import { warningsOf } from './configuration-warnings.ts';
import { openAuthority } from './configured-authority.ts';
import { readConfiguredFile } from './configured-file.ts';
import { type DevicesConfiguration, deviceTypes } from './device-configuration.ts';
import { type DeviceDoor, Doors } from './doors.ts';
import { effectiveInput } from './effective-configuration.ts';
import type { AuthorityConfiguration, MethodConfiguration } from './identity-configuration.ts';
import { checkReach } from './listening.ts';
import { systemClock } from './system-clock.ts';
import { readKey, readTlsFiles, type TlsFilesContext } from './tls-files.ts';

/** What a check found, each a line for people. */
export interface CheckedConfiguration {
  /** None: a server would take it. */
  readonly problems: readonly string[];
  /** What will be a problem some day, such as a certificate that ends soon. */
  readonly warnings: readonly string[];
}

/** Checks a configuration file and what it names; each problem and warning begins with file and line. */
export function checkConfigurationFile(file: string, clock: Clock = systemClock): CheckedConfiguration {
  let checked: CheckedConfiguration;
  try {
    checked = checkSurveyed(surveyConfigurationFile(file), clock);
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    checked = { problems: error.problems, warnings: [] };
  }
  return withLines(file, checked);
}

/**
 * The problems that a server met with this file: in the words of a check, which have the lines and name what else is wrong; by
 * themselves those that a check does not find, such as one of a flag.
 */
export function problemsWithLines(file: string, problems: readonly string[], clock: Clock = systemClock): string[] {
  const found = checkConfigurationFile(file, clock).problems;
  const isFound = (line: string): boolean => found.some((problem) => problem.includes(line.trim()));
  // A heading stands for the lines below it.
  const isMissing = (line: string): boolean => !line.endsWith(':') && !isFound(line);
  return [...problems.filter((problem) => problem.split('\n').some(isMissing)), ...found];
}

/**
 * What is wrong in one place keeps nothing from being looked at elsewhere; but what several keys say together can be told only
 * where each is right by itself.
 */
function checkSurveyed({ values, problems }: SurveyedFile, clock: Clock): CheckedConfiguration {
  const configuration = filledConfiguration(effectiveInput(withoutHoles(values), {}));
  const found = problems.length > 0 ? problems : contradictionsOf(configuration, false);
  const files = checkFiles(configuration, clock, found);
  const warnings = found.length > 0 ? [] : warningsOf(configuration);
  return { problems: [...found, ...files.problems], warnings: [...files.warnings, ...warnings] };
}

/** An entry that is wrong stays in its place, empty: places are how others are named. */
function withoutHoles(values: PartialConfiguration): PartialConfiguration {
  const filled = Object.entries(values).map(([key, value]) => [
    key,
    Array.isArray(value) ? value.map((entry) => entry ?? {}) : value,
  ]);
  return Object.fromEntries(filled) as PartialConfiguration;
}

/**
 * Has a server's own parts read what a configuration names: certificates and their keys, authorities, methods, rules. Each
 * problem begins with the path of its key. Nothing is fetched, opened to write or kept. Where something was `found` wrong
 * before, that part is left alone.
 */
function checkFiles(
  configuration: Configuration,
  clock: Clock = systemClock,
  found: readonly string[] = [],
): CheckedConfiguration {
  const { authorities, authentication, authorization, clientIds, devices, guard, listeners, log } = configuration;
  const isRight = (path: string): boolean => !found.some((problem) => isWithin(path, problem));
  // What a server would do later is not done here.
  const check = new FileCheck({ ...clock, every: () => ({ cancel: () => {} }) });
  const isAsked = authentication.length > 0 || !isRight('authentication');
  for (const [index, listener] of listeners.entries())
    if (isRight(`listeners[${index}]`)) check.listener(`listeners[${index}]`, listener, isAsked);
  const usable = authorities.filter(
    (authority, index) => isRight(`authorities[${index}]`) && check.authority(`authorities[${index}]`, authority),
  );
  // Without its authority that is all there is to tell.
  const areUsable = usable.length === authorities.length && isRight('authorities');
  for (const [index, method] of authentication.entries())
    if (isRight(`authentication[${index}]`) && (method.method !== 'certificate' || areUsable))
      check.method(`authentication[${index}]`, method, usable);
  for (const [index, rule] of clientIds.entries())
    if (isRight(`clientIds[${index}]`)) check.doors(`clientIds[${index}]`, { clientIds: [rule] });
  if (devices !== undefined) check.devices(devices, configuration.data, isRight);
  if (isRight('api.keys')) check.attempt('', () => void readConfiguredKeys(configuration.api.keys));
  // All but these are numbers, which the table of keys has checked.
  check.doors('guard.trusted', { guard });
  const rules = authorization.rules?.map((rule, index) => (isRight(`authorization.rules[${index}]`) ? rule : NO_RULE));
  check.authorization(isRight('authorization.roles') ? { ...authorization, rules } : withoutInline(authorization));
  if (log.file !== undefined) check.folderOf('log.file', log.file);
  if (found.length === 0 && check.problems.length === 0) check.whole(configuration);
  return check;
}

/** Roles are looked at together with the rules that name them. */
function withoutInline({
  rules: _,
  roles: __,
  ...files
}: Configuration['authorization']): Configuration['authorization'] {
  return files;
}

/** Whether a problem is about the key of this path, or about one below it. */
function isWithin(path: string, problem: string): boolean {
  const told = /(?:^|: )([a-z]\w*(?:\.\w+|\[\d+\])*) /i.exec(problem)?.[1] ?? '';
  return told === path || told.startsWith(`${path}.`) || told.startsWith(`${path}[`);
}

type Parts = ConstructorParameters<typeof Doors>[0];

/** Path of a key, or how it is found by the problem. */
type Place = string | ((problem: string) => string);

/** Lets nobody in: nobody comes. */
const CHECKED_DEVICES: DeviceDoor = {
  types: new DeviceTypes([]),
  method: (name) => ({ name, authenticate: () => undefined }),
};

/** Holds the place of a rule that is wrong. */
const NO_RULE = { deny: 'publish', topics: '#' } as const;

class FileCheck implements CheckedConfiguration {
  readonly problems: string[] = [];
  readonly warnings: string[] = [];
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * What the attempt throws is a problem of the key, a line each. False where there was one.
   */
  attempt(path: Place, action: () => void): boolean {
    try {
      action();
      return true;
    } catch (error) {
      const [first, ...rest] = (error as Error).message.split('\n');
      // A heading says nothing that the path does not.
      for (const line of first.endsWith(':') && rest.length > 0 ? rest : [first, ...rest]) {
        const problem = line.trim();
        const place = typeof path === 'string' ? path : path(problem);
        this.problems.push(place === '' ? problem : `${place}: ${problem}`);
      }
      return false;
    }
  }

  listener(path: string, listener: ListenerConfiguration, isAsked: boolean): void {
    const { tls, path: socket } = listener;
    if (!isAsked) this.attempt(path, () => checkReach(listener));
    if (tls !== undefined) this.#pair(`${path}.tls`, tls);
    for (const [place, pair] of (tls?.certificates ?? []).entries())
      this.#pair(`${path}.tls.certificates[${place}]`, pair);
    if (socket !== undefined) this.folderOf(`${path}.path`, socket);
  }

  /** A certificate with its key: each by itself, so that both are told of, then together as TLS takes them. */
  #pair(path: string, { certificate, key, passphraseFile }: CertificateFiles): void {
    // Without the rest of a listener's TLS, such as its authorities, which are looked at by themselves.
    const files: CertificateFiles = { certificate, key, ...(passphraseFile !== undefined && { passphraseFile }) };
    const keyPath: Place = (problem) =>
      `${path}.${passphraseFile !== undefined && problem.includes(passphraseFile) ? 'passphraseFile' : 'key'}`;
    const areRead = [
      this.attempt(`${path}.certificate`, () =>
        readCertificates(readConfiguredFile(certificate, 'a certificate').toString('utf8'), certificate),
      ),
      this.attempt(keyPath, () => readKey(files)),
    ];
    if (areRead.includes(false)) return;
    const doors = this.#open({});
    const context = this.#tlsContext(doors, this.#warn(`${path}.certificate`));
    this.attempt(`${path}.key`, () => readTlsFiles(files, context));
    void doors.close();
  }

  authority(path: string, authority: AuthorityConfiguration): boolean {
    const place = (problem: string): string => `${path}${keyOf(authority, problem)}`;
    return this.doors(place, { authorities: [authority] }, this.#warn(path));
  }

  method(path: string, method: MethodConfiguration, authorities: readonly AuthorityConfiguration[]): void {
    const place = (problem: string): string => `${path}${keyOf(method, problem)}`;
    // The path says which one it is.
    const heading = `authentication ${JSON.stringify(method.name)}: `;
    this.attempt(place, () => {
      try {
        void this.#open({ authentication: [method], authorities }).close();
      } catch (error) {
        throw new Error((error as Error).message.replace(heading, ''));
      }
    });
  }

  /** Problems have their paths. */
  devices(devices: DevicesConfiguration, data: string | undefined, isRight: (path: string) => boolean): void {
    if (isRight('devices.types')) this.attempt('', () => void new DeviceTypes(deviceTypes(devices)));
    // Environment and credentials are those of the server, not of whoever checks.
    const isHere = devices.masterKey !== undefined && 'file' in devices.masterKey;
    if (isHere && isRight('devices.authority') && isRight('devices.masterKey'))
      this.attempt('', () => void openAuthority(devices, data));
  }

  /** Each file by itself. */
  authorization(authorization: Configuration['authorization']): void {
    const { rules, roles, rulesFile, aclFile, shadow, broaderFilter } = authorization;
    // Problems of these have their path.
    this.doors('', { authorization: { rules, roles, broaderFilter } });
    if (rulesFile !== undefined) this.doors('authorization.rulesFile', { authorization: { rulesFile, broaderFilter } });
    if (aclFile !== undefined) this.doors('authorization.aclFile', { authorization: { aclFile, broaderFilter } });
    if (shadow !== undefined) this.doors('authorization.shadow', { authorization: { shadow, broaderFilter } });
  }

  /** All of it together, as a server that starts: for what is wrong with no part by itself. */
  whole(configuration: Configuration): void {
    this.attempt('', () => {
      const doors = this.#open(configuration);
      const context = this.#tlsContext(doors, () => {});
      const authorityNames = configuration.authorities.map(({ name }) => name);
      for (const [index, { tls }] of configuration.listeners.entries())
        if (tls !== undefined)
          this.attempt(`listeners[${index}].tls`, () => readTlsFiles(tls, { ...context, authorityNames }));
      void doors.close();
    });
  }

  /** Some of what makes doors, the rest empty. False where they cannot be made of it. */
  doors(path: Place, parts: Partial<Parts>, warn?: (warning: CertificateWarning) => void): boolean {
    return this.attempt(path, () => void this.#open(parts, warn).close());
  }

  #open(parts: Partial<Parts>, warn: (warning: CertificateWarning) => void = () => {}): Doors {
    const lists = { listeners: [], authorities: [], authentication: [], clientIds: [] };
    const none = { ...lists, guard: {}, authorization: {}, limits: {}, devices: undefined };
    const ignore = (): void => {};
    const tell = {
      method: ignore,
      attempt: ignore,
      flapping: ignore,
      certificate: warn,
      shadow: ignore,
      skippedRule: ignore,
    };
    return new Doors({ ...none, ...parts }, { clock: this.#clock, tell, devices: CHECKED_DEVICES });
  }

  #tlsContext({ authorities }: Doors, warn: (warning: CertificateWarning) => void): TlsFilesContext {
    return { authorities, authorityNames: [], nowMs: this.#clock.nowMs(), warn };
  }

  #warn(path: string): (warning: CertificateWarning) => void {
    return ({ message }) => void this.warnings.push(`${path}: ${message}`);
  }

  /** A file that will be made. */
  folderOf(path: string, file: string): void {
    const folder = dirname(file);
    if (!isFolder(folder)) this.problems.push(`${path}: there is no folder ${folder}: one is expected`);
  }
}

/** The key of an entry that a problem is about, with a dot before it; empty where it cannot be told. */
function keyOf(entry: MethodConfiguration | AuthorityConfiguration, problem: string): string {
  if ('users' in entry) return '.users';
  const files = Object.entries(entry).flatMap(([key, value]) =>
    Array.isArray(value) ? value.map((one, index) => [`${key}[${index}]`, one]) : [[key, value]],
  );
  const named = files.find(([key, value]) => FILE_KEY.test(key) && problem.includes(value));
  return named === undefined ? '' : `.${named[0]}`;
}

const FILE_KEY = /^(certificate|crl|file|secretFile|jwksFile|jwksAuthority|authority|keys\[\d+\])$/;

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/** What says its line already is left alone. */
function withLines(file: string, { problems, warnings }: CheckedConfiguration): CheckedConfiguration {
  const isWithout = (text: string): boolean => !text.startsWith(`${file}:`) && /^[a-z]\w*[.[:\s]/i.test(text);
  if (![...problems, ...warnings].some(isWithout)) return { problems, warnings };
  let lineOf: (path: string) => number;
  try {
    lineOf = linesOfKeys(readFileSync(file, 'utf8'));
  } catch {
    return { problems, warnings };
  }
  const placed = (text: string): string => {
    const [path] = /^[a-z]\w*(?:\.\w+|\[\d+\])*/i.exec(text) ?? [''];
    return isWithout(text) ? `${file}:${lineOf(path)}: ${text}` : text;
  };
  return { problems: problems.map(placed), warnings: warnings.map(placed) };
}
