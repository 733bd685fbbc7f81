/** Limits of the device service: tables of them, and what is given in place of a default. */

export interface ServiceLimit {
  readonly default: number;
  readonly minimum: number;
  readonly maximum: number;
  readonly unit: string;
  readonly description: string;
}

/**
 * All limits of a table, the default where none is given.
 * @throws RangeError for one that is outside of its range
 */
export function resolveLimits<Name extends string>(
  table: Readonly<Record<Name, ServiceLimit>>,
  given: { readonly [name in Name]?: number },
): { readonly [name in Name]: number } {
  const resolved = Object.entries<ServiceLimit>(table).map(([name, { default: usual, minimum, maximum, unit }]) => {
    const value = given[name as Name] ?? usual;
    if (!Number.isInteger(value) || value < minimum || value > maximum)
      throw new RangeError(
        `Cannot set ${name} to ${value}: a whole number of ${unit} from ${minimum} to ${maximum} is expected`,
      );
    return [name, value] as const;
  });
  return Object.fromEntries(resolved) as { readonly [name in Name]: number };
}
