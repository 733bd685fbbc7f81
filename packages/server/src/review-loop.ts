/** Reviews of who is connected: at once, and once more for all that changes meanwhile. */

export class ReviewLoop {
  readonly #review: () => Promise<unknown>;
  #isAsked = false;
  #isReviewing = false;

  /** `review`: one review of everybody, which rejects never. */
  constructor(review: () => Promise<unknown>) {
    this.#review = review;
  }

  /** Something changed: a registry that revokes a thousand tells of it a thousand times. */
  ask(): void {
    this.#isAsked = true;
    if (!this.#isReviewing) void this.#run();
  }

  async #run(): Promise<void> {
    this.#isReviewing = true;
    while (this.#isAsked) {
      this.#isAsked = false;
      await this.#review();
    }
    this.#isReviewing = false;
  }
}
