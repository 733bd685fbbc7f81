/** Steps that wait only where something has to be waited for. */
import type { Awaitable } from '@dunlin/broker';

/** `next` of the value: at once where it is there, so that a table that answers at once costs no promise. */
export function after<Value, Result>(
  value: Awaitable<Value>,
  next: (value: Value) => Awaitable<Result>,
): Awaitable<Result> {
  return value instanceof Promise ? value.then(next) : next(value);
}
