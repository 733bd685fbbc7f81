/**
 * Files that belong together, such as a certificate and its key, replaced all at once: whoever reads them after a crash at
 * any moment finds those of before or the new ones, never some of each.
 *
 * They lie in a folder of their own, `.files-XXXXXX`. The link `.files` says which one counts, and what is seen, such as
 * `cert.pem`, is a link through it; renaming that one link changes them all.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join, resolve } from 'node:path';

const CURRENT = '.files';
const [WRITABLE_BY_OTHERS, WRITABLE_BY_ALL, STICKY] = [0o022, 0o002, 0o1000];
const FOLDER = /^\.files-[A-Za-z\d]{6}$/;

export interface FileSetOptions {
  /** Whether files that are there are replaced; else `commit` throws (`EEXIST`) and leaves them. Default true. */
  readonly replaces?: boolean | undefined;
}

/** Errors are those of the system, with `code` and `syscall`. */
export class FileSet {
  readonly #folder: string;
  readonly #replaces: boolean;
  /** Where the new ones lie. */
  readonly #place: string;
  readonly #open = new Map<string, number>();
  #isPlaced = false;

  /**
   * Throws `EPERM` where other users can write to the folder: they could lead it elsewhere.
   *
   * Begins the files `modes` names, such as `{ 'cert.pem': 0o644, 'key.pem': 0o600 }`: that there is room for them is known
   * before what they will hold. The folder is made where it is not there, for its owner alone.
   */
  constructor(folder: string, modes: Readonly<Record<string, number>>, { replaces = true }: FileSetOptions = {}) {
    this.#folder = folder;
    this.#replaces = replaces;
    if (!existsSync(folder)) mkdirSync(folder, { mode: 0o700 });
    checkFolder(folder);
    this.#place = newPlace(folder);
    try {
      for (const [name, mode] of Object.entries(modes))
        this.#open.set(name, openSync(join(this.#place, name), 'wx', mode));
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Writes them and puts them in their places, where they are for good when it returns. */
  commit(texts: Readonly<Record<string, string>>): void {
    for (const [name, descriptor] of this.#open) {
      writeFileSync(descriptor, texts[name]);
      fsyncSync(descriptor);
    }
    if (this.#replaces) this.#adoptOthers();
    this.#carryOver();
    syncFolder(this.#place);
    const linked: string[] = [];
    try {
      for (const name of this.#open.keys()) if (this.#link(name)) linked.push(name);
    } catch (error) {
      for (const name of linked) rmSync(join(this.#folder, name));
      throw error;
    }
    this.#point(this.#place);
    this.#isPlaced = true;
    for (const name of readdirSync(this.#folder))
      if (FOLDER.test(name) && name !== basename(this.#place))
        rmSync(join(this.#folder, name), { recursive: true, force: true });
  }

  /** Takes away what was not put in its place. To be called in any case. */
  close(): void {
    for (const descriptor of this.#open.values()) closeSync(descriptor);
    this.#open.clear();
    if (!this.#isPlaced) rmSync(this.#place, { recursive: true, force: true });
  }

  /** Files that lie in the folder themselves come into one of their own first, so that they too are replaced all at once. */
  #adoptOthers(): void {
    const others = [...this.#open.keys()].filter((name) => isThere(join(this.#folder, name)) && !this.#isLinked(name));
    if (others.length === 0) return;
    const before = placeOf(this.#folder);
    const place = newPlace(this.#folder);
    for (const name of this.#open.keys()) {
      const file = join(this.#folder, name);
      if (others.includes(name) && lstatSync(file).isSymbolicLink())
        symlinkSync(resolve(this.#folder, readlinkSync(file)), join(place, name));
      else if (others.includes(name)) linkSync(file, join(place, name));
      else if (before !== undefined && existsSync(join(before, name))) linkSync(join(before, name), join(place, name));
    }
    syncFolder(place);
    this.#point(place);
    for (const name of others) {
      const link = `${join(this.#folder, name)}.new`;
      rmSync(link, { force: true });
      symlinkSync(join(CURRENT, name), link);
      renameSync(link, join(this.#folder, name));
    }
    syncFolder(this.#folder);
  }

  /** What else lies where the files of before do, such as a key that stays. */
  #carryOver(): void {
    const before = placeOf(this.#folder);
    if (before === undefined) return;
    for (const name of readdirSync(before))
      if (!this.#open.has(name)) linkSync(join(before, name), join(this.#place, name));
  }

  /** False where there is the link already. */
  #link(name: string): boolean {
    if (this.#replaces && this.#isLinked(name)) return false;
    symlinkSync(join(CURRENT, name), join(this.#folder, name));
    return true;
  }

  #isLinked(name: string): boolean {
    const file = join(this.#folder, name);
    return isThere(file) && lstatSync(file).isSymbolicLink() && readlinkSync(file) === join(CURRENT, name);
  }

  /** The one step. */
  #point(place: string): void {
    const link = join(this.#folder, CURRENT);
    rmSync(`${link}.new`, { force: true });
    symlinkSync(basename(place), `${link}.new`);
    renameSync(`${link}.new`, link);
    syncFolder(this.#folder);
  }
}

/** Whoever else may put links into a folder could lead the set to files of others. @throws EPERM */
function checkFolder(folder: string): void {
  const { uid, mode } = statSync(folder);
  const isTheirs = !isOurs(uid) && (mode & WRITABLE_BY_OTHERS) !== 0;
  const isShared = (mode & WRITABLE_BY_ALL) !== 0 && (mode & STICKY) === 0;
  if (!isTheirs && !isShared) return;
  const found = `it belongs to the user ${uid} and has the mode ${(mode & 0o7777).toString(8)}`;
  const text = `EPERM: ${found}; a folder that no other user can write to is expected, stat '${folder}'`;
  throw Object.assign(new Error(text), { code: 'EPERM', syscall: 'stat', path: folder });
}

/** Where the files of before lie; undefined: there are none, or whoever put the link there was not this one. */
function placeOf(folder: string): string | undefined {
  const link = join(folder, CURRENT);
  if (!lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink()) return undefined;
  const name = readlinkSync(link);
  const place = join(folder, name);
  const found = FOLDER.test(name) ? lstatSync(place, { throwIfNoEntry: false }) : undefined;
  return found?.isDirectory() && isOurs(found.uid) ? place : undefined;
}

/** Windows has no users by number. */
function isOurs(uid: number): boolean {
  return process.geteuid === undefined || process.geteuid() === uid;
}

/** For its owner alone. */
function newPlace(folder: string): string {
  return mkdtempSync(join(folder, `${CURRENT}-`));
}

function isThere(file: string): boolean {
  return lstatSync(file, { throwIfNoEntry: false }) !== undefined;
}

function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
