/** The error of a store whose parts contradict each other: nothing can be done here, it must be checked or replaced. */
export class StoreContradiction extends Error {
  override readonly name = 'StoreContradiction';
  /** Stable. */
  readonly code = 'store-contradicts';

  /** `found`: what was attempted, found and expected. */
  constructor(found: string) {
    super(`${found}; restore a backup`);
  }
}
