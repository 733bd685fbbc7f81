/** Tells when files have other contents: certificates, keys, lists, rules. It looks, it does not read them for anyone. */
import { createHash } from 'node:crypto';
import { type FSWatcher, readFileSync, statSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Clock, Timer } from '@dunlin/broker';
import { fileFault } from './named-file.ts';

export interface WatchedFilesOptions {
  readonly paths: readonly string[];
  readonly clock: Clock;
  /** Called once for a change, be it of several files: all can be read then, and have come to rest. Must not throw. */
  readonly changed: () => void;
  /**
   * Called once when one of the files has been missing, empty or unreadable for `missingMs`, with a sentence that names
   * it. `changed` follows when all can be read again, also where they are as they were. Must not throw.
   */
  readonly missing?: (fault: string) => void;
  /** How long files must be left alone before a change is told, so that certificate and key come together. Default: 250 ms. */
  readonly settleMs?: number;
  /** How often to look though nothing was heard: network drives are silent. Default: 10000 ms. */
  readonly pollMs?: number;
  /** Longer than a program takes to replace a file. Default: 5000 ms. */
  readonly missingMs?: number;
}

/** What a file is without reading it: which one, of what length, written when. */
type Look = string;

/**
 * Watches files by their directories, and by looking now and then, so that none of the ways of replacing a file goes
 * unseen: written in place, renamed into place (editors, certbot), a directory link turned around (`..data` of
 * Kubernetes), a directory deleted and made anew. While a file is missing, empty or unreadable no change is told,
 * but that, once. Never keeps the process alive.
 */
export class WatchedFiles {
  readonly #options: WatchedFilesOptions;
  readonly #settleMs: number;
  readonly #poll: Timer;
  readonly #watchers = new Map<string, { readonly watcher: FSWatcher; readonly inode: bigint }>();
  #settling: Timer | undefined;
  /** Runs while a file is missing and nobody was told yet. */
  #missing: Timer | undefined;
  #isMissingTold = false;
  /** As it was seen last; to be told when it rests. */
  #look: Look;
  /** As it was when its digest was taken: a directory in which much else is written costs no reading. */
  #digestedLook: Look;
  /** Digest of what was told last. */
  #told: string | undefined;

  constructor(options: WatchedFilesOptions) {
    this.#options = options;
    this.#settleMs = options.settleMs ?? 250;
    this.#look = this.#lookAll();
    this.#digestedLook = this.#look;
    this.#told = this.#read().digest;
    this.#listen();
    this.#poll = options.clock.every(options.pollMs ?? 10_000, () => {
      this.#listen();
      this.#check();
    });
  }

  close(): void {
    this.#poll.cancel();
    this.#settling?.cancel();
    this.#settling = undefined;
    this.#missing?.cancel();
    for (const { watcher } of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  /** Listens at every directory that there is, and anew where another one is in its place. */
  #listen(): void {
    for (const directory of new Set(this.#options.paths.map(dirname))) {
      const inode = inodeOf(directory);
      const known = this.#watchers.get(directory);
      if (known?.inode === inode) continue;
      known?.watcher.close();
      this.#watchers.delete(directory);
      if (inode !== undefined) this.#listenAt(directory, inode);
    }
  }

  #listenAt(directory: string, inode: bigint): void {
    try {
      const watcher = watch(directory, { persistent: false }, (_kind, name) => {
        if (name === basename(directory)) this.#listen();
        this.#settle();
      });
      // Too many watchers, or a directory that goes: the poll still looks.
      watcher.on('error', () => this.#watchers.delete(directory));
      this.#watchers.set(directory, { watcher, inode });
    } catch {
      this.#watchers.delete(directory);
    }
  }

  #check(): void {
    if (this.#settling === undefined && this.#lookAll() !== this.#look) this.#settle();
  }

  /** Tells of a change when the files were the same twice, `settleMs` apart. */
  #settle(): void {
    if (this.#settling !== undefined) return;
    this.#look = this.#lookAll();
    this.#settling = this.#options.clock.every(this.#settleMs, () => {
      const look = this.#lookAll();
      if (look === this.#look) this.#tell();
      else this.#look = look;
    });
  }

  #tell(): void {
    this.#settling?.cancel();
    this.#settling = undefined;
    this.#listen();
    if (this.#look === this.#digestedLook) return;
    this.#digestedLook = this.#look;
    const { digest } = this.#read();
    if (digest === undefined) {
      this.#miss();
      return;
    }
    this.#missing?.cancel();
    this.#missing = undefined;
    if (digest === this.#told && !this.#isMissingTold) return;
    this.#isMissingTold = false;
    this.#told = digest;
    this.#options.changed();
  }

  #miss(): void {
    if (this.#isMissingTold) return;
    this.#missing ??= this.#options.clock.every(this.#options.missingMs ?? 5_000, () => {
      const { fault } = this.#read();
      // Where it came back meanwhile, that is told when it has come to rest.
      if (fault === undefined) return;
      this.#missing?.cancel();
      this.#missing = undefined;
      this.#isMissingTold = true;
      this.#options.missing?.(fault);
    });
  }

  #lookAll(): Look {
    return this.#options.paths.map(lookAt).join('\n');
  }

  /** SHA-256 of all contents, or what is wrong with the first file that cannot be read or is empty. */
  #read(): { readonly digest?: string; readonly fault?: string } {
    const hash = createHash('sha256');
    for (const path of this.#options.paths) {
      let bytes: Buffer;
      try {
        bytes = readFileSync(path);
      } catch (error) {
        return { fault: `Cannot read ${JSON.stringify(path)}: ${fileFault(path, error)}` };
      }
      if (bytes.length === 0) return { fault: `Cannot use ${JSON.stringify(path)}: it is empty` };
      hash.update(`${bytes.length}:`).update(bytes);
    }
    return { digest: hash.digest('hex') };
  }
}

/** Undefined where there is none, or none that can be looked at: forbidden, a loop of links, a file in the way. */
function inodeOf(directory: string): bigint | undefined {
  try {
    return statSync(directory, { bigint: true }).ino;
  } catch {
    return undefined;
  }
}

function lookAt(path: string): Look {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
  } catch {
    return 'missing';
  }
}
