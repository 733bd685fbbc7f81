/** The audit log of a server, opened when the first part asks for it: who has neither devices nor the API pays nothing. */
import type { AuditParts, ServerAudit } from './audit.ts';

export class AuditOnDemand {
  readonly #parts: AuditParts;
  #opening: Promise<ServerAudit> | undefined;

  constructor(parts: AuditParts) {
    this.#parts = parts;
  }

  /** The same for all who ask. Whoever asks behind one that failed tries again. */
  open(): Promise<ServerAudit> {
    this.#opening ??= import('./audit.ts').then(({ openAudit }) => openAudit(this.#parts));
    this.#opening.catch(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async close(): Promise<void> {
    const audit = await this.#opening?.catch(() => undefined);
    await audit?.close();
  }
}
