/** Returns the name of a class, or of the class of an instance or prototype; never throws. */
export function nameOfClass(instanceOrPrototype: unknown): string {
  try {
    if (typeof instanceOrPrototype === 'function') return instanceOrPrototype.name;
    return (instanceOrPrototype as object).constructor.name;
  } catch {
    return 'object';
  }
}
