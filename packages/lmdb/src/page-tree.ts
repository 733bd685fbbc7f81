/**
 * The pages of LMDB's file, read without LMDB: it ends the process where a page is not of the kind that it expects, so
 * a check looks at the pages first.
 *
 * A page begins with its number (8 bytes), the transaction that wrote it (8), padding (2), its kind (2), and where the
 * free room in it begins and ends (2 each); in the first of several pages of one large value how many these are (4).
 * Offsets of nodes follow, from the end of this header. A node is half the length of its value or the number of a page
 * (2 bytes each), flags or the rest of that number (2), length of the key (2), key, and value.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** What one of the two meta pages says. */
export interface FileMeta {
  readonly pageSize: number;
  /** Number of the last page that was ever in use. */
  readonly lastPage: number;
  readonly transaction: number;
  readonly trees: readonly Tree[];
}

interface Tree {
  readonly depth: number;
  /** Page number; undefined where the tree is empty. */
  readonly root: number | undefined;
}

/** Offsets in a meta page, behind its page header; a file has two, one behind the other. */
const Meta = { magic: 0, pageSize: 24, freePages: 24, main: 72, lastPage: 120, transaction: 128, bytes: 144 } as const;
const TreeField = { depth: 6, root: 40 } as const;
const META_MAGIC = 0xbeefc0de;
const NO_PAGE = 0xffff_ffff_ffff_ffffn;
const PAGE_BYTES_MIN = 256;
const PAGE_BYTES_MAX = 65_536;

const HEADER_BYTES = 24;
const Field = { number: 0, transaction: 8, kind: 18, lower: 20, upper: 22, pages: 20 } as const;
const Kind = { branch: 1, leaf: 2, overflow: 4, all: 0x0f } as const;
const NODE_HEADER_BYTES = 8;
/** Of a node: its value lies on pages of its own. */
const LARGE = 1;
/** Pages after which others have their turn. */
const SLICE_PAGES = 512;

/** The meta pages of a file that are some; none where it is no file of LMDB. */
export function readMetas(path: string): FileMeta[] {
  const file = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(2 * PAGE_BYTES_MAX);
    const length = readSync(file, bytes, 0, bytes.length, 0);
    const first = metaAt(bytes, 0, length);
    const second = metaAt(bytes, first?.pageSize ?? 4_096, length);
    return [first, second].filter((meta) => meta !== undefined);
  } finally {
    closeSync(file);
  }
}

function metaAt(bytes: Buffer, page: number, length: number): FileMeta | undefined {
  const start = page + HEADER_BYTES;
  if (start + Meta.bytes > length || bytes.readUInt32LE(start + Meta.magic) !== META_MAGIC) return undefined;
  const pageSize = bytes.readUInt32LE(start + Meta.pageSize);
  if (pageSize < PAGE_BYTES_MIN || pageSize > PAGE_BYTES_MAX || (pageSize & (pageSize - 1)) !== 0) return undefined;
  return {
    pageSize,
    lastPage: Number(bytes.readBigUInt64LE(start + Meta.lastPage)),
    transaction: Number(bytes.readBigUInt64LE(start + Meta.transaction)),
    trees: [treeAt(bytes, start + Meta.freePages), treeAt(bytes, start + Meta.main)],
  };
}

function treeAt(bytes: Buffer, start: number): Tree {
  const root = bytes.readBigUInt64LE(start + TreeField.root);
  return { depth: bytes.readUInt16LE(start + TreeField.depth), root: root === NO_PAGE ? undefined : Number(root) };
}

/** Says what is wrong with a page. */
class DamagedPage extends Error {}

class Walk {
  readonly #file: number;
  /** When the walk began: what a snapshot leads to was there by then. */
  readonly #fileBytes: number;
  readonly #meta: FileMeta;
  readonly #onlyFirst: boolean;
  readonly #assertGoingOn: () => void;
  readonly #seen = new Set<number>();
  #sinceTurn = 0;

  constructor(file: number, meta: FileMeta, onlyFirst: boolean, assertGoingOn: () => void) {
    this.#file = file;
    this.#fileBytes = fstatSync(file).size;
    this.#meta = meta;
    this.#onlyFirst = onlyFirst;
    this.#assertGoingOn = assertGoingOn;
  }

  /** Walks a page and all below it; leaves are at depth 1. @throws DamagedPage */
  async tree(number: number, depth: number): Promise<void> {
    this.#sinceTurn += 1;
    if (this.#sinceTurn % SLICE_PAGES === 0) {
      await new Promise((resolve) => setImmediate(resolve));
      this.#assertGoingOn();
    }
    const page = this.#read(number, depth === 1 ? Kind.leaf : Kind.branch);
    const nodes = this.#nodes(number, page);
    for (const node of this.#onlyFirst && depth > 1 ? nodes.slice(0, 1) : nodes) {
      const high = page.readUInt16LE(node + 4);
      const low = page.readUInt32LE(node);
      if (depth > 1) await this.tree(high * 2 ** 32 + low, depth - 1);
      else this.#value(number, page, node, low, high);
    }
  }

  /** A page of one kind, that nobody else refers to. */
  #read(number: number, kind: number): Buffer {
    const { pageSize, lastPage } = this.#meta;
    if (number > lastPage) throw new DamagedPage(`page ${number} is referred to, the last one is ${lastPage}`);
    if (this.#seen.has(number)) throw new DamagedPage(`page ${number} is referred to twice`);
    this.#seen.add(number);
    const page = Buffer.allocUnsafe(pageSize);
    const length = readSync(this.#file, page, 0, pageSize, number * pageSize);
    if (length < pageSize) throw new DamagedPage(`page ${number} is beyond the end of the file`);
    const found = Number(page.readBigUInt64LE(Field.number));
    if (found !== number) throw new DamagedPage(`page ${number} says that it is page ${found}`);
    // Later than the state that refers to it: that state was torn, and the page is now part of another one.
    const written = Number(page.readBigUInt64LE(Field.transaction));
    if (written > this.#meta.transaction)
      throw new DamagedPage(`page ${number} is of transaction ${written}, the last one is ${this.#meta.transaction}`);
    const flags = page.readUInt16LE(Field.kind);
    if ((flags & Kind.all) !== kind) throw new DamagedPage(`page ${number} is of kind ${flags}, expected is ${kind}`);
    return page;
  }

  /** Where the nodes of a page begin. */
  #nodes(number: number, page: Buffer): number[] {
    const room = page.length - HEADER_BYTES;
    const lower = page.readUInt16LE(Field.lower);
    const upper = page.readUInt16LE(Field.upper);
    if (lower > upper || upper > room || lower % 2 !== 0 || lower === 0)
      throw new DamagedPage(`page ${number} has no sound table of its keys`);
    return Array.from({ length: lower / 2 }, (_, index) => {
      const node = HEADER_BYTES + page.readUInt16LE(HEADER_BYTES + 2 * index);
      const isInside =
        node >= HEADER_BYTES + upper &&
        node + NODE_HEADER_BYTES <= page.length &&
        node + NODE_HEADER_BYTES + page.readUInt16LE(node + 6) <= page.length;
      if (!isInside) throw new DamagedPage(`key ${index} of page ${number} goes beyond its page`);
      return node;
    });
  }

  #value(number: number, page: Buffer, node: number, length: number, flags: number): void {
    const start = node + NODE_HEADER_BYTES + page.readUInt16LE(node + 6);
    if (start + ((flags & LARGE) === 0 ? length : 8) > page.length)
      throw new DamagedPage(`a value of page ${number} goes beyond its page`);
    if ((flags & LARGE) === 0) return;
    const { pageSize, lastPage } = this.#meta;
    const first = Number(page.readBigUInt64LE(start));
    const pages = this.#read(first, Kind.overflow).readUInt32LE(Field.pages);
    if (pages * pageSize < HEADER_BYTES + length || first + pages - 1 > lastPage)
      throw new DamagedPage(`a value of ${length} bytes has ${pages} pages from page ${first} on`);
    if ((first + pages) * pageSize > this.#fileBytes)
      throw new DamagedPage(`a value of page ${number} goes beyond the end of the file`);
  }
}

/**
 * Says what is wrong with the first page that is not what it should be; undefined where all that are in use are.
 * While the file is written to, a snapshot must be open that was opened before.
 * `onlyFirst`: looks only at the way to the least keys. `assertGoingOn` is called now and then; what it throws ends it.
 */
export async function damagedPage(
  path: string,
  onlyFirst = false,
  assertGoingOn: () => void = () => undefined,
): Promise<string | undefined> {
  const [meta] = readMetas(path).sort((a, b) => b.transaction - a.transaction);
  if (meta === undefined) return 'it does not begin as a file of LMDB does';
  const file = openSync(path, 'r');
  try {
    const walk = new Walk(file, meta, onlyFirst, assertGoingOn);
    for (const { root, depth } of meta.trees) if (root !== undefined) await walk.tree(root, depth);
    return undefined;
  } catch (error) {
    if (error instanceof DamagedPage) return error.message;
    throw error;
  } finally {
    closeSync(file);
  }
}
