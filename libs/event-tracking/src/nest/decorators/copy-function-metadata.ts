/**
 * Copies a function's properties, name, length and metadata to its wrapper, for frameworks to read.
 */
export function copyFunctionMetadata(wrapper: Function, original: Function): void {
  for (const property of Reflect.ownKeys(original)) {
    if (property !== 'prototype') {
      Object.defineProperty(
        wrapper,
        property,
        Object.getOwnPropertyDescriptor(original, property)!,
      );
    }
  }
  for (const key of Reflect.getOwnMetadataKeys(original) as unknown[]) {
    Reflect.defineMetadata(key, Reflect.getOwnMetadata(key, original), wrapper);
  }
}
