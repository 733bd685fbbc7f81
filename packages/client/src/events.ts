/** Listeners by event name: who wants to know, told in the order in which they came. */

/** Names of events and what their listeners take. */
// biome-ignore lint/suspicious/noExplicitAny: a listener may take anything; the caller's own map says what.
export type EventMap<Events> = { [Name in keyof Events]: (...values: any[]) => void };

/** Keeps the listeners of one object. A listener that throws disturbs nobody: its error surfaces as uncaught. */
export class Listeners<Events extends EventMap<Events>> {
  readonly #listeners = new Map<keyof Events, Set<Events[keyof Events]>>();

  /** Adds a listener; the function returned removes it. The same listener twice counts once. */
  on<Name extends keyof Events>(name: Name, listener: Events[Name]): () => void {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(listener));
    return () => this.off(name, listener);
  }

  /** Removes a listener; harmless where there is none. */
  off<Name extends keyof Events>(name: Name, listener: Events[Name]): void {
    const listeners = this.#listeners.get(name);
    if (listeners?.delete(listener) && listeners.size === 0) this.#listeners.delete(name);
  }

  /** True when somebody listens, for callers that would have to make something to tell. */
  has(name: keyof Events): boolean {
    return this.#listeners.has(name);
  }

  /** Tells every listener. */
  emit<Name extends keyof Events>(name: Name, ...values: Parameters<Events[Name]>): void {
    const listeners = this.#listeners.get(name);
    if (listeners === undefined) return;
    for (const listener of [...listeners]) callApart(listener, ...values);
  }
}

/** Calls code of the application; what it throws surfaces as an uncaught error and not in the caller. */
export function callApart<Values extends unknown[]>(call: (...values: Values) => void, ...values: Values): void {
  try {
    call(...values);
  } catch (error) {
    surface(error);
  }
}

/** Makes an error of the application an uncaught one. */
export function surface(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
