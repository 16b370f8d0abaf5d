import { isError } from './built-in.js';

/** Formats any thrown value as the end of a sentence, without the final period; never throws. */
export function describeError(error: unknown): string {
  try {
    if (isError(error)) {
      return `${error.name}: ${error.message}`.replace(/\.$/, '');
    }
    return typeof error === 'string' ? error : describeValue(error);
  } catch {
    return 'something that cannot be described';
  }
}

/** Quotes a name; describes any other value. */
export function quoteName(name: unknown): string {
  return typeof name === 'string' ? `'${name}'` : describeValue(name);
}

/** Describes an unexpected value in a few words; never throws. */
export function describeValue(value: unknown): string {
  try {
    if (value === null) return 'null';
    if (Array.isArray(value)) return `an array of ${value.length}`;
    switch (typeof value) {
      case 'undefined':
        return 'undefined';
      case 'string':
        return `the string '${value.length > 60 ? `${value.slice(0, 60)}…` : value}'`;
      case 'function':
        return describeFunction(value);
      case 'object': {
        const type = (value.constructor as { name?: unknown } | undefined)?.name;
        return typeof type === 'string' && type !== 'Object' && type !== ''
          ? `an instance of ${type}`
          : `an object with ${keysOf(value)}`;
      }
      default:
        return `the ${typeof value} ${String(value)}`;
    }
  } catch {
    return 'something that cannot be described';
  }
}

function describeFunction(value: { name?: unknown; prototype?: unknown }): string {
  const isClass = Function.prototype.toString.call(value).startsWith('class');
  const name = typeof value.name === 'string' && value.name !== '' ? ` ${value.name}` : '';
  return isClass ? `the class${name}` : `the function${name}`;
}

function keysOf(value: object): string {
  const keys = Object.keys(value);
  if (keys.length === 0) return 'no keys';
  const shown = keys.slice(0, 5).map((key) => `'${key}'`);
  return `the keys ${shown.join(', ')}${keys.length > shown.length ? ', …' : ''}`;
}
