/** Reads V8 CPU profiles and lists the functions by the time spent in themselves. */

/** The part of a `.cpuprofile` that is read. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  /** Node ids, and the microseconds since the sample before. */
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** One function: its share of the time that was not idle, in percent. */
export interface Share {
  readonly percent: number;
  readonly name: string;
}

/** The functions of a profile by their own time, greatest first. */
export function sharesOf(profile: CpuProfile): Share[] {
  const names = new Map(
    profile.nodes.map(({ id, callFrame: { functionName, url, lineNumber } }) => {
      const place = url === '' ? '' : ` ${url.split('/').slice(-2).join('/')}:${lineNumber + 1}`;
      return [id, `${functionName || '(anonymous)'}${place}`];
    }),
  );
  const times = new Map<string, number>();
  let total = 0;
  for (const [index, id] of profile.samples.entries()) {
    const name = names.get(id) ?? '(unknown)';
    if (name === '(idle)') continue;
    total += profile.timeDeltas[index];
    times.set(name, (times.get(name) ?? 0) + profile.timeDeltas[index]);
  }
  const shares = [...times].map(([name, time]) => ({ name, percent: (100 * time) / total }));
  return shares.sort((a, b) => b.percent - a.percent);
}
