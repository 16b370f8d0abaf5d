import { types } from 'node:util';
import { isObservable, type Observable } from 'rxjs';

/** A generator, synchronous or asynchronous, whose body has not run yet. */
export type AnyGenerator = Generator | AsyncGenerator;

/** The result of a method that has returned but not ended. */
export type PendingResult =
  | { kind: 'observable'; value: Observable<unknown> }
  | { kind: 'promise'; value: Promise<unknown> }
  | { kind: 'generator'; value: AnyGenerator }
  | { kind: 'thenable'; value: Thenable };

/** An object that is awaited like a promise, but may start its work only then. */
export interface Thenable {
  then: (...args: unknown[]) => unknown;
}

/** Recognises results that go on after the method's return; never throws. */
export function pendingResult(value: unknown): PendingResult | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  try {
    if (isObservable(value)) return { kind: 'observable', value };
    if (isStartedPromise(value)) return { kind: 'promise', value };
    if (isGenerator(value)) return { kind: 'generator', value };
    if (isThenable(value)) return { kind: 'thenable', value };
  } catch {
    // A proxy that throws for unknown keys.
  }
  return undefined;
}

/**
 * Whether a value is a promise whose work does not depend on its `then`.
 *
 * @remarks Subclasses may be lazy queries. Promises of other realms are plain promises too.
 */
function isStartedPromise(value: object): value is Promise<unknown> {
  if (!types.isPromise(value)) return false;
  return value.then === Promise.prototype.then || value.constructor.name === 'Promise';
}

function isGenerator(value: object): value is AnyGenerator {
  if (types.isGeneratorObject(value)) return true;
  // Compilers that target engines without generators return an object with these methods of its own.
  return (
    ['next', 'return', 'throw'].every((method) => Object.hasOwn(value, method)) &&
    (Symbol.iterator in value || Symbol.asyncIterator in value)
  );
}

function isThenable(value: object): value is Thenable {
  return typeof (value as Partial<Thenable>).then === 'function';
}
