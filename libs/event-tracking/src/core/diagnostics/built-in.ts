/**
 * Built-in objects as they were when the library was loaded: polyfills, fake clocks and tests replace them later. The
 * objects of another realm (`node:vm`, Jest) are recognised too.
 */

const { toString } = Object.prototype;
/** Most objects are plain, and a tag takes longer to read than a prototype. */
const plainPrototype = Object.prototype;
const NativeError = Error;
const NativeMap = Map;
const NativeSet = Set;
export const NativeDate = Date;
const { getTime } = NativeDate.prototype;
const mapSize = sizeOf(NativeMap.prototype);
const setSize = sizeOf(NativeSet.prototype);

/** Returns the built-in name of an object, such as `Date`; never throws. */
export function tagOf(value: object): string {
  try {
    return (toString.call(value) as string).slice(8, -1);
  } catch {
    return ''; // a getter of Symbol.toStringTag throws
  }
}

export function isDate(value: unknown): value is Date {
  return isObject(value) && isBuiltIn(value, NativeDate, 'Date') && answers(getTime, value);
}

export function isMap(value: unknown): value is Map<unknown, unknown> {
  return isObject(value) && isBuiltIn(value, NativeMap, 'Map') && answers(mapSize, value);
}

export function isSet(value: unknown): value is Set<unknown> {
  return isObject(value) && isBuiltIn(value, NativeSet, 'Set') && answers(setSize, value);
}

export function isError(value: unknown): value is Error {
  return isObject(value) && isBuiltIn(value, NativeError, 'Error');
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function isBuiltIn(value: object, type: new () => object, tag: string): boolean {
  if (value instanceof type) return true;
  return Object.getPrototypeOf(value) !== plainPrototype && tagOf(value) === tag;
}

/** Whether a method works on an object: only on one that has its internal state, not on what merely inherits it. */
function answers(method: (this: never) => unknown, value: object): boolean {
  try {
    Reflect.apply(method, value, []);
    return true;
  } catch {
    return false;
  }
}

function sizeOf(prototype: object): (this: never) => unknown {
  return Object.getOwnPropertyDescriptor(prototype, 'size')!.get!;
}
