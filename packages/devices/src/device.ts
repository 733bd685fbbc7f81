/** What the registry keeps of a device. Credentials, presence and commands stand in tables of their own, under its id. */

export interface Device {
  /** As the device shows it: its User Name, and Common Name where it has a certificate. `isDeviceId` says what fits. */
  readonly id: string;
  /** Name of a device type of the configuration. */
  readonly type: string;
  /** For people; empty where nobody gave one. */
  readonly name: string;
  /** Facts by name, for rules (`{attr.NAME}`) and templates. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly groups: readonly string[];
  /** User name of whoever it belongs to; undefined: nobody. */
  readonly owner: string | undefined;
  /** A device that is not enabled is not let in, and one that is connected is sent away. */
  readonly enabled: boolean;
  /**
   * The authority (name in the configuration) whose certificates count for it; undefined: that of the service itself. The
   * same Common Name under another authority is another party.
   */
  readonly authority: string | undefined;
  /** Wall clock. */
  readonly createdAtMs: number;
  readonly changedAtMs: number;
}
