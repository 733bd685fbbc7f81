/**
 * Topic Filters as sets of Topic Names: whether one lies wholly in another, and whether two have a name in common.
 *
 * A filter is a list of levels; what it matches is decided level by level from the front (section 4.7), so both questions
 * are answered in one walk along the two lists. Two peculiarities: `#` stands for any number of levels, none included, so
 * `a/#` holds `a`; and a wildcard in the first level does not match a name that begins with `$` [MQTT-4.7.2-1].
 */

/** The levels of a well-formed filter, without `$share/<group>/`. */
export function filterLevels(filter: string): readonly string[] {
  return filter.split('/');
}

/** Whether every Topic Name that `inner` matches is matched by `outer`. */
export function filterContains(outer: readonly string[], inner: readonly string[]): boolean {
  // There is no name without a level: "+/#" is as wide as "#".
  if (inner[0] === '#') return outer[0] === '#' || (outer[0] === '+' && outer[1] === '#');
  for (let i = 0; i < outer.length; i++) {
    const wanted = outer[i];
    if (wanted === '#') return i > 0 || !isOfServer(inner[0]);
    // A "#" here matches names that end before this level, which `outer` does not.
    if (i >= inner.length || inner[i] === '#') return false;
    if (wanted === '+' ? i === 0 && isOfServer(inner[0]) : wanted !== inner[i]) return false;
  }
  return outer.length === inner.length;
}

/** Whether there is a Topic Name that both filters match. */
export function filtersIntersect(one: readonly string[], other: readonly string[]): boolean {
  if (isWild(one[0]) && isOfServer(other[0])) return false;
  if (isWild(other[0]) && isOfServer(one[0])) return false;
  const shorter = Math.min(one.length, other.length);
  for (let i = 0; i < shorter; i++) {
    if (one[i] === '#' || other[i] === '#') return true;
    if (one[i] !== other[i] && one[i] !== '+' && other[i] !== '+') return false;
  }
  return one.length === other.length || one[shorter] === '#' || other[shorter] === '#';
}

function isWild(level: string): boolean {
  return level === '+' || level === '#';
}

function isOfServer(level: string): boolean {
  return level.startsWith('$');
}
