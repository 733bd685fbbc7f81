/** The acknowledgement that is owed for one message: given when nobody holds it any more. */

/** Of a message of QoS 1 or 2. It begins with one hold, that of whoever made it. */
export class Delivery {
  readonly packetId: number;
  readonly qos: 1 | 2;
  /** True once it may go out. */
  isGiven = false;
  /** Its connection is over, and the server sends the message again. */
  isStale = false;
  /** Of the acknowledgement. */
  reasonCode = 0;
  readonly #given: () => void;
  #holds = 1;
  /** Subscriptions that hold it by hand; -1 once it was released so. */
  #hands = 0;

  /** `given` is called once, when the last hold is released. */
  constructor(packetId: number, qos: 1 | 2, given: () => void) {
    this.packetId = packetId;
    this.qos = qos;
    this.#given = given;
  }

  /** One more has to release it. */
  hold(): void {
    this.#holds += 1;
  }

  /** One less; once for each hold. */
  release(): void {
    this.#holds -= 1;
    if (this.#holds > 0) return;
    this.isGiven = true;
    this.#given();
  }

  /** Holds it until the application says so; several that want this are one hold. */
  holdByHand(): void {
    if (this.#hands < 0) return;
    if (this.#hands === 0) this.hold();
    this.#hands += 1;
  }

  /** The application says so; only the first time counts. */
  releaseByHand(reasonCode: number): void {
    if (this.#hands <= 0) return;
    this.reasonCode = reasonCode;
    this.#hands = -1;
    this.release();
  }

  /** One that held it by hand never handed it to the application. */
  dropHand(): void {
    if (this.#hands <= 0) return;
    this.#hands -= 1;
    if (this.#hands === 0) this.release();
  }
}
