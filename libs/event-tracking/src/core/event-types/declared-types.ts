/** Shared by all copies of the package, because the command may have another than the application. */
const COLLECTOR = Symbol.for('event-tracking:declared-types');

/** Passes a declared type to the collector, if a program has asked for one. */
export function noteDeclaredType(type: object): void {
  collectors()[COLLECTOR]?.push(type);
}

/**
 * Collects the types that code declares from now on, including those that are never registered.
 *
 * @returns the list, which grows as modules load
 */
export function collectDeclaredTypes(): readonly object[] {
  return (collectors()[COLLECTOR] ??= []);
}

function collectors(): { [COLLECTOR]?: object[] } {
  return globalThis as { [COLLECTOR]?: object[] };
}
