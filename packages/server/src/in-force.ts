/** What is in force of the configuration while the server runs, and how another one takes its place. */
import type { Broker, Clock, EndedClient } from '@dunlin/broker';
import type { Configuration } from './configuration.ts';
import { type ConfigurationChanges, configurationChanges, reloadedConfiguration } from './configuration-changes.ts';
import { warningsOf } from './configuration-warnings.ts';
import { doorEvents } from './door-events.ts';
import { type DoorChanges, type DoorOptions, Doors, type PreparedDoors } from './doors.ts';
import type { ServerEvent } from './events.ts';
import type { OpenListener } from './open-listener.ts';
import { ReviewLoop } from './review-loop.ts';
import { type TlsFilesContext, tlsPaths } from './tls-files.ts';
import { type Watch, watchFiles } from './watch.ts';

/** What a reload did. */
export interface ReloadReport extends DoorChanges, Pick<ConfigurationChanges, 'needsRestart'> {
  /** Keys whose other values count now. */
  readonly changed: readonly string[];
  /** Clients that were sent away. */
  readonly disconnected: number;
  /** The first 20 of them, and the check that each of them failed. */
  readonly disconnectedClients: readonly EndedClient[];
}

/** What a server is made of when it runs: they are asked again, and get other certificates. */
export interface Served {
  readonly broker: Broker;
  /** Those that are open by now. */
  readonly listeners: readonly OpenListener[];
}

export interface InForceOptions
  extends Pick<DoorOptions, 'authenticator' | 'revocationSources' | 'saltKey' | 'devices' | 'verifier'> {
  readonly clock: Clock;
  readonly tell: (event: ServerEvent) => void;
}

export class InForce {
  readonly doors: Doors;
  readonly #clock: Clock;
  readonly #tell: (event: ServerEvent) => void;
  #configuration: Configuration;
  #watch: Watch;
  #served: Served | undefined;
  /** The review that ends a reload counts whom it sends away: no other may be before it. */
  #isReplacing = false;
  #reviews: ReviewLoop | undefined;
  #unsubscribe = (): void => {};

  /** @throws ConfigurationError where something that the configuration names cannot be used; nothing is left open */
  constructor(configuration: Configuration, options: InForceOptions) {
    const { clock, tell } = options;
    this.#configuration = configuration;
    this.#clock = clock;
    this.#tell = tell;
    // Before they are read, so that no change comes between.
    this.#watch = this.#watchFiles(configuration);
    try {
      this.doors = new Doors(configuration, { ...options, tell: doorEvents(tell) });
      this.#warn();
    } catch (error) {
      this.#watch.close();
      throw error;
    }
  }

  get configuration(): Configuration {
    return this.#configuration;
  }

  /** For the TLS files of a listener, now. */
  get tlsFiles(): TlsFilesContext {
    return this.#tlsFiles(this.#configuration, this.doors.authorities);
  }

  /** From here on clients of this broker go when they have to, and these listeners get other certificates. */
  serve(served: Served): void {
    this.#served = served;
    this.#reviews = new ReviewLoop(() => served.broker.reviewConnections());
    this.#unsubscribe = this.doors.authorities.onChange(() => {
      this.review();
    });
  }

  /** Something changed about who may come in: everybody who is connected is asked for again. Calls close together are one. */
  review(): void {
    if (!this.#isReplacing) this.#reviews?.ask();
  }

  /**
   * Takes over what may be changed, and reads every file that the configuration names again.
   * @throws ConfigurationError where a file is wrong; nothing has changed then
   */
  async reload(next: Configuration): Promise<ReloadReport> {
    const { reloaded: changed, needsRestart } = configurationChanges(this.#configuration, next);
    const changes = this.#replace(reloadedConfiguration(this.#configuration, next));
    const { broker } = this.#served as Served;
    const { ended: disconnected, endedClients: disconnectedClients } = await broker.reviewConnections();
    await broker.reviewPermissions();
    return { changed, needsRestart, ...changes, disconnected, disconnectedClients };
  }

  async close(): Promise<void> {
    this.#watch.close();
    this.#unsubscribe();
    await this.doors.close();
  }

  /** Reads everything, then puts it in force at once. */
  #replace(next: Configuration): DoorChanges {
    const watch = this.#watchFiles(next);
    try {
      const doors = this.doors.prepare(next);
      const updates = this.#prepareTls(next, doors);
      this.#isReplacing = true;
      const changes = doors.apply();
      for (const update of updates) update();
      this.#configuration = next;
      this.#warn();
      this.#watch.close();
      this.#watch = watch;
      return changes;
    } catch (error) {
      watch.close();
      throw error;
    } finally {
      this.#isReplacing = false;
    }
  }

  #warn(): void {
    for (const warning of warningsOf(this.#configuration)) this.#tell({ name: 'configurationWarning', warning });
  }

  #prepareTls(next: Configuration, doors: PreparedDoors): (() => void)[] {
    try {
      const files = this.#tlsFiles(next, doors.authorities);
      return this.#listeners.map((listener) => listener.prepareTls(files));
    } catch (error) {
      doors.discard();
      throw error;
    }
  }

  get #listeners(): readonly OpenListener[] {
    return this.#served?.listeners ?? [];
  }

  #watchFiles({ authorities, listeners }: Configuration): Watch {
    const groups = [
      ...authorities.flatMap(({ certificate, crl }) => (crl === undefined ? [[certificate]] : [[certificate], [crl]])),
      ...listeners.flatMap(({ tls }) => (tls === undefined ? [] : [tlsPaths(tls)])),
    ];
    return watchFiles({ groups, clock: this.#clock }, () => this.#reread(), this.#tell);
  }

  /** A file that cannot be used keeps nothing from counting that has to do with others. @throws AggregateError */
  #reread(): void {
    const errors: unknown[] = [];
    const attempt = (read: () => void): void => {
      try {
        read();
      } catch (error) {
        errors.push(error);
      }
    };
    attempt(() => this.doors.reloadAuthorities());
    for (const listener of this.#listeners) attempt(() => listener.prepareTls(this.tlsFiles)());
    if (errors.length > 0) throw new AggregateError(errors, errors.map((error) => (error as Error).message).join('; '));
  }

  #tlsFiles({ authorities: all }: Configuration, authorities: TlsFilesContext['authorities']): TlsFilesContext {
    const authorityNames = all.map(({ name }) => name);
    return { authorities, authorityNames, nowMs: this.#clock.nowMs(), warn: doorEvents(this.#tell).certificate };
  }
}
