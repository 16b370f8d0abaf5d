import { isDate } from '../diagnostics/built-in.js';
import { copyOf } from '../event/snapshot.js';

/** Freezes plain objects and lists, all that they hold included. */
export function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || isDate(value)) return value;
  for (const each of Object.values(value)) frozen(each);
  return Object.freeze(value);
}

/** A copy that nobody can change. */
export function frozenCopyOf<T>(value: T): T {
  return frozen(copyOf(value));
}
