/** Texts with places to fill in, such as `bench/{i}`. */

const PLACE = /\{([A-Za-z_]\w*)\}/g;

/** The names of the places, each once. Braces around anything else, such as those of JSON, are no place. */
export function placesOf(template: string): string[] {
  return [...new Set([...template.matchAll(PLACE)].map(([, name]) => name))];
}

/** The text with every place filled in that has a value; the others stay as they are. */
export function filled(template: string, values: Readonly<Record<string, unknown>>): string {
  if (!template.includes('{')) return template;
  return template.replace(PLACE, (place, name: string) => (Object.hasOwn(values, name) ? String(values[name]) : place));
}
