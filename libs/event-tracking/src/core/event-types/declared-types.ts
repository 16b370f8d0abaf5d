import type { ContextType, EventType } from './event-type.js';

type AnyType = EventType | ContextType;

/** Shared by all copies of the package, because the command may have another than the application. */
const COLLECTOR = Symbol.for('event-tracking:declared-types');

/** Passes a declared type to the collector, if a program has asked for one. */
export function noteDeclaredType(type: AnyType): void {
  collectors()[COLLECTOR]?.push(type);
}

/**
 * Collects the types that code declares from now on, including those that are never registered.
 *
 * @returns the list, which grows as modules load
 */
export function collectDeclaredTypes(): readonly AnyType[] {
  return (collectors()[COLLECTOR] ??= []);
}

function collectors(): { [COLLECTOR]?: AnyType[] } {
  return globalThis as { [COLLECTOR]?: AnyType[] };
}
