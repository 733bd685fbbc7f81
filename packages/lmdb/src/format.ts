/** The format of a store: its version, and how older ones become the present one. */
import { StoreError } from './store-error.ts';

/** Raised with each change that older programs would misread; see `keys.ts` and `values.ts`. */
export const FORMAT_VERSION = 4;

/** What it takes to look after the format of one store. */
export interface FormatStore {
  /** Of its file. */
  readonly path: string;
  /** Undefined where nothing was written yet. */
  readonly version: number | undefined;
  readonly isEmpty: boolean;
  /** Resolves when it survives. */
  write(version: number): Promise<void>;
}

/** `migrations[n]` makes version n + 1 of version n. It may be cut short at any point and begun again. */
export type Migrations = Readonly<Record<number, () => Promise<void>>>;

/**
 * From 1 to 2: session records say up to where they were sent and whose they are. From 2 to 3: wills say who left them. From 3
 * to 4: records of tables are text. Values of former formats are read as they are (`decodeSession`, `decodeWill`,
 * `decodeRecord`) and become new ones when they are next written, so there is nothing to do at once; programs that know former
 * formats alone could not read these.
 */
export const MIGRATIONS: Migrations = { 1: async () => undefined, 2: async () => undefined, 3: async () => undefined };

/** @throws StoreError 'newer-format', 'damaged' where keys have no format */
export function assertReadable(
  { path, version, isEmpty }: Pick<FormatStore, 'path' | 'version' | 'isEmpty'>,
  target = FORMAT_VERSION,
): void {
  if (version === undefined && !isEmpty)
    throw new StoreError('damaged', `Cannot open ${path}: it holds keys but no format version; restore a backup`);
  if (version !== undefined && version > target)
    throw new StoreError(
      'newer-format',
      `Cannot open ${path}: it has format ${version}, this program knows formats up to ${target}; use a newer program`,
    );
}

/** Brings a store to the present format. @throws StoreError 'newer-format', 'damaged' */
export async function ensureFormat(store: FormatStore, migrations: Migrations, target = FORMAT_VERSION): Promise<void> {
  assertReadable(store, target);
  let { version } = store;
  if (version === undefined) {
    await store.write(target);
    return;
  }
  while (version < target) {
    const migrate = migrations[version];
    if (migrate === undefined)
      throw new StoreError(
        'damaged',
        `Cannot open ${store.path}: its format ${version} never was one; restore a backup`,
      );
    await migrate();
    version += 1;
    await store.write(version);
  }
}
