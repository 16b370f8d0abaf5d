import { isDate, isError, isMap, isSet, NativeDate, tagOf } from '../diagnostics/built-in.js';
import { toJsonOf } from './json.js';

/** The depth of a copy; deeper values become `[Truncated]`. */
export const MAX_DEPTH = 100;

/** The most values that a copy holds, which bounds shared references and endless arrays. */
export const MAX_VALUES = 1_000_000;

const TRUNCATED = '[Truncated]';

const { getTime } = NativeDate.prototype;
const entriesOf = Map.prototype.entries;
const valuesOf = Set.prototype.values;
/** The built-in names of objects that hold a primitive value. */
const BOXED = new Set(['String', 'Number', 'Boolean', 'BigInt', 'Symbol']);
/** Those of objects whose content cannot be read. */
const OPAQUE = new Set(['Promise', 'WeakMap', 'WeakSet', 'WeakRef', 'DataView', 'ArrayBuffer']);

/** A copy that shares nothing with its original. */
export interface Snapshot {
  /** The copy: primitives, dates, arrays and plain objects. */
  value: unknown;
  /** The first few values that JSON cannot represent: the path of each and its replacement. */
  conversions: readonly string[];
  /** The approximate length of its JSON, in characters. */
  size: number;
}

/**
 * Copies any value in its current state; never throws.
 *
 * @remarks
 * Dates stay dates, and `toJSON` is honoured. Values that JSON cannot represent become readable and
 * are listed in `conversions`: `[Function f]`, `Symbol(x)`, `10n` → `"10"`, `[Circular]`, `NaN` →
 * `"NaN"`, a Map its entries, a Set its values, `[Truncated]` beyond {@link MAX_DEPTH}, and
 * `[Throws: message]` for a throwing getter. As in JSON, keys with the value undefined are omitted.
 */
export function snapshot(value: unknown): Snapshot {
  const copier = acquireCopier();
  const copy = copier.copy(value);
  const { conversions, size } = copier;
  idle = copier;
  return { value: copy, conversions, size };
}

/** Copies values built from snapshots; wider limits than {@link snapshot} keep them whole. */
export function copyOf<T>(value: T): T {
  return measuredCopyOf(value).copy;
}

export function frozenCopyOf<T>(value: T): T {
  return frozen(copyOf(value));
}

/** Freezes plain objects and lists, with everything that they contain. */
export function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || isDate(value)) return value;
  for (const each of Object.values(value)) frozen(each);
  return Object.freeze(value);
}

/** Like {@link copyOf}, with the approximate length of the JSON, in characters. */
export function measuredCopyOf<T>(value: T): { copy: T; size: number } {
  const copier = acquireCopier();
  const copy = copier.copy(value, 2 * MAX_DEPTH, 2 * MAX_VALUES) as T;
  const { size } = copier;
  idle = copier;
  return { copy, size };
}

export function setOwn(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(target, key, {
      value,
      configurable: true,
      enumerable: true,
      writable: true,
    });
  } else {
    target[key] = value;
  }
}

const MAX_NAMED_CONVERSIONS = 5;
const NO_CONVERSIONS: string[] = [];
const ERROR_KEYS = ['name', 'message', 'code', 'cause'];

/** Reused, because allocating a copier's lists costs as much as a copy. */
let idle: Copier | undefined;

/** A getter or `toJSON` may call `emit` re-entrantly; nested copies use a second copier. */
function acquireCopier(): Copier {
  const copier = idle ?? new Copier();
  idle = undefined;
  return copier;
}

class Copier {
  conversions: string[] = NO_CONVERSIONS;
  size = 0;
  #maxDepth = MAX_DEPTH;
  #maxValues = MAX_VALUES;
  #values = 0;
  #depth = 0;
  /** The containers that are being copied, outermost first; used to detect cycles. */
  readonly #ancestors: (object | undefined)[] = [];
  /** The keys that lead to the container being copied. */
  readonly #path: (string | number)[] = [];

  copy(value: unknown, maxDepth = MAX_DEPTH, maxValues = MAX_VALUES): unknown {
    this.#maxDepth = maxDepth;
    this.#maxValues = maxValues;
    this.conversions = NO_CONVERSIONS;
    this.size = 0;
    this.#values = 0;
    this.#depth = 0;
    try {
      return this.#copyValue(value, '');
    } catch (error) {
      return this.#throws(error, ''); // The stack overflowed: emit was called from too deep.
    }
  }

  #copyValue(value: unknown, key: string | number): unknown {
    switch (typeof value) {
      case 'string':
        this.size += value.length + 3;
        return value;
      case 'number':
        this.size += 8;
        return Number.isFinite(value) ? value : this.#converted(key, String(value));
      case 'boolean':
        this.size += 6;
        return value;
      case 'undefined':
        return undefined;
      case 'object':
        if (value !== null) return this.#copyObject(value, key);
        this.size += 5;
        return null;
      case 'bigint':
        return this.#converted(key, value.toString());
      case 'symbol':
        return this.#converted(key, value.toString());
      default:
        return this.#converted(key, describeFunction(value as { name?: unknown }));
    }
  }

  #copyObject(value: object, key: string | number): unknown {
    const depth = this.#depth;
    if (depth > this.#maxDepth || this.#values >= this.#maxValues)
      return this.#converted(key, TRUNCATED);
    const ancestors = this.#ancestors;
    for (let index = depth - 1; index >= 0; index--) {
      if (ancestors[index] === value) return this.#converted(key, '[Circular]');
    }
    this.size += 3;
    ancestors[depth] = value;
    this.#path[depth] = key;
    this.#depth = depth + 1;
    let copy: unknown;
    try {
      copy = this.#copyContainer(value);
    } catch (error) {
      copy = this.#throws(error);
    }
    ancestors[depth] = undefined;
    this.#depth = depth;
    return copy;
  }

  #copyContainer(value: object): unknown {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype === Object.prototype) {
      return 'toJSON' in value ? this.#copySpecial(value) : this.#copyPlain(value);
    }
    if (prototype === Array.prototype && !('toJSON' in value)) {
      return this.#copyArray(value as unknown[]);
    }
    return this.#copySpecial(value);
  }

  #copyPlain(value: object): Record<string, unknown> {
    const copy: Record<string, unknown> = {};
    // V8 reads members fastest inside the `for…in` loop itself.
    for (const key in value) {
      if (!Object.hasOwn(value, key)) continue;
      if (++this.#values > this.#maxValues) {
        setOwn(copy, key, this.#converted(key, TRUNCATED));
        break;
      }
      let member: unknown;
      try {
        member = (value as Record<string, unknown>)[key];
      } catch (error) {
        member = this.#throws(error, key);
      }
      if (typeof member === 'string') this.size += member.length + 3;
      else member = this.#copyValue(member, key);
      if (member === undefined) continue;
      this.size += key.length + 3;
      if (key === '__proto__') setOwn(copy, key, member);
      else copy[key] = member;
    }
    return copy;
  }

  #copyArray(value: ArrayLike<unknown>): unknown[] {
    const copy: unknown[] = [];
    const length = value.length;
    for (let index = 0; index < length; index++) {
      if (++this.#values > this.#maxValues) {
        copy.push(this.#converted(index, TRUNCATED));
        break;
      }
      const member = this.#read(value, index);
      if (member === undefined) this.size += 5;
      copy.push(member === undefined ? null : member);
    }
    return copy;
  }

  /** Reads and copies one member; a getter may throw. */
  #read(container: object, key: string | number): unknown {
    let member: unknown;
    try {
      member = (container as Record<string | number, unknown>)[key];
    } catch (error) {
      return this.#throws(error, key);
    }
    return this.#copyValue(member, key);
  }

  #copySpecial(value: object): unknown {
    if (isDate(value)) {
      this.size += 27;
      const time = getTime.call(value);
      return Number.isNaN(time) ? this.#converted(undefined, 'Invalid Date') : new NativeDate(time);
    }
    const toJSON = toJsonOf(value);
    if (toJSON !== undefined) {
      const replacement: unknown = Reflect.apply(toJSON, value, [
        String(this.#path[this.#depth - 1] ?? ''),
      ]);
      // Like JSON.stringify, calls toJSON once: a toJSON of the replacement is ignored.
      if (typeof replacement !== 'object' || replacement === null)
        return this.#copyValue(replacement, '');
      if (isDate(replacement)) return this.#copySpecial(replacement);
      return this.#copyByShape(replacement);
    }
    return this.#copyByShape(value);
  }

  #copyByShape(value: object): unknown {
    if (Array.isArray(value)) return this.#copyArray(value);
    const tag = tagOf(value);
    if (ArrayBuffer.isView(value) && tag !== 'DataView') {
      return this.#copyArray(value as unknown as ArrayLike<unknown>);
    }
    if (isMap(value)) {
      this.#note(undefined, 'the entries of a Map');
      return this.#copyArray(firstOf(entriesOf.call(value)));
    }
    if (isSet(value)) {
      this.#note(undefined, 'the values of a Set');
      return this.#copyArray(firstOf(valuesOf.call(value)));
    }
    if (isError(value)) {
      this.#note(undefined, 'the name and message of an Error');
      return this.#copyError(value);
    }
    if (tag === 'RegExp') return this.#converted(undefined, String(value));
    if (BOXED.has(tag)) return this.#copyBoxed(value);
    if (OPAQUE.has(tag)) return this.#converted(undefined, `[${constructorName(value)}]`);
    return this.#copyPlain(value);
  }

  /** Objects of other classes may have such a tag too. */
  #copyBoxed(value: object): unknown {
    const primitive: unknown = value.valueOf();
    return typeof primitive === 'object' && primitive !== null
      ? this.#copyPlain(value)
      : this.#copyValue(primitive, '');
  }

  #copyError(error: Error): Record<string, unknown> {
    const copy: Record<string, unknown> = {};
    for (const key of ERROR_KEYS) {
      const member = this.#read(error, key);
      if (member !== undefined) copy[key] = member;
    }
    for (const key of Object.keys(error)) {
      if (ERROR_KEYS.includes(key)) continue;
      const member = this.#read(error, key);
      if (member !== undefined) setOwn(copy, key, member);
    }
    return copy;
  }

  #throws(error: unknown, key?: string | number): string {
    let message: string;
    try {
      message = String(isError(error) ? error.message : error);
    } catch {
      message = 'something that cannot be described';
    }
    return this.#converted(key, `[Throws: ${message}]`);
  }

  #converted(key: string | number | undefined, replacement: string): string {
    this.size += replacement.length + 3;
    this.#note(key, replacement);
    return replacement;
  }

  #note(key: string | number | undefined, replacement: string): void {
    if (this.conversions === NO_CONVERSIONS) this.conversions = [];
    if (this.conversions.length >= MAX_NAMED_CONVERSIONS) return;
    const where = this.#path.slice(1, this.#depth);
    if (key !== undefined && key !== '') where.push(key);
    const shown = replacement.length > 80 ? `${replacement.slice(0, 80)}…` : replacement;
    this.conversions.push(where.length === 0 ? shown : `${shorten(where)}: ${shown}`);
  }
}

function shorten(path: readonly (string | number)[]): string {
  return path.length > 8 ? `${path.slice(0, 8).join('.')}…` : path.join('.');
}

function firstOf(values: Iterable<unknown>): unknown[] {
  const list: unknown[] = [];
  for (const value of values) {
    list.push(value);
    if (list.length > MAX_VALUES) break;
  }
  return list;
}

function constructorName(value: object): string {
  const name: unknown = (value.constructor as { name?: unknown } | undefined)?.name;
  return typeof name === 'string' && name !== '' ? name : 'Object';
}

function describeFunction(value: { name?: unknown }): string {
  let name: unknown;
  try {
    name = value.name;
  } catch {
    name = undefined;
  }
  return typeof name === 'string' && name !== '' ? `[Function ${name}]` : '[Function]';
}
