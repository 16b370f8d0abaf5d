/** Gives a wrapper all that frameworks read from the function it stands for: properties, name, length and metadata. */
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
