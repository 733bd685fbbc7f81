/** Environment variables in the values of the configuration file: `${NAME}` and `${NAME:-what counts without it}`. */

/** The text with its variables filled in, or the first one that is not set and has nothing in its place. */
export type Expansion = { readonly text: string } | { readonly missing: string };

export type Environment = Readonly<Record<string, string | undefined>>;

const VARIABLE = /\$(\$\{)|\$\{([A-Za-z_]\w*)(?::-([^}]*))?\}/g;

/** Fills in variables. `$${` stands for `${` itself; a `$` anywhere else is just that, as in password hashes. */
export function expandVariables(text: string, environment: Environment): Expansion {
  let missing: string | undefined;
  const expanded = text.replace(VARIABLE, (_, escaped: string | undefined, name: string, standard?: string) => {
    if (escaped !== undefined) return escaped;
    const value = environment[name] || standard;
    if (value === undefined) missing ??= name;
    return value ?? '';
  });
  return missing === undefined ? { text: expanded } : { missing };
}
