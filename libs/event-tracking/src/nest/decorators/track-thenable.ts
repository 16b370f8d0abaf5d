import { types } from 'node:util';
import type { CallOutcome } from './method-call.js';
import type { Thenable } from './result-kind.js';
import type { Run } from './subscribe-within.js';

type Method = (...args: unknown[]) => unknown;

const EXECUTING_METHODS = ['exec', 'execute'] as const;

/**
 * Runs the execution of a lazy query in a scope, and reports once how it ended.
 *
 * @remarks
 * The query stays the same object and stays lazy: its methods are replaced by properties of its
 * own. Methods that return the query itself can be chained as before.
 * @param capture - returns a function that runs others in the scope of the running code
 * @returns whether the query could be changed; a frozen one cannot
 */
export function trackThenable(
  thenable: Thenable,
  run: Run,
  capture: () => Run,
  settle: (outcome: CallOutcome) => void,
): boolean {
  const execution = new Execution(run, capture, settle);
  const query = thenable as unknown as Record<string, unknown>;
  const { then } = thenable;
  const replacements: Record<string, Method> = {
    then(this: unknown, ...args: unknown[]) {
      return execution.then((...callbacks) => Reflect.apply(then, this, callbacks), args);
    },
  };
  // The methods of promises call `then`; the query's own might execute it without.
  if (typeof query['catch'] === 'function') {
    replacements['catch'] = Promise.prototype.catch as Method;
  }
  if (typeof query['finally'] === 'function') {
    replacements['finally'] = Promise.prototype.finally as Method;
  }
  for (const name of EXECUTING_METHODS) {
    const execute = query[name];
    if (typeof execute !== 'function') continue;
    replacements[name] = function (this: unknown, ...args: unknown[]) {
      return execution.execute(() => Reflect.apply(execute, this, args));
    };
  }
  return Object.entries(replacements).every(([name, value]) =>
    Reflect.defineProperty(thenable, name, { configurable: true, writable: true, value }),
  );
}

class Execution {
  #isStarting = false;
  #hasSettled = false;

  constructor(
    private readonly run: Run,
    private readonly capture: () => Run,
    private readonly settle: (outcome: CallOutcome) => void,
  ) {}

  then(then: Method, callbacks: unknown[]): unknown {
    // `exec` may call `then`, and `then` may call `exec`: the outer call observes the execution.
    if (this.#isStarting) return then(...callbacks);
    const outside = this.capture();
    const [onFulfilled, onRejected] = callbacks.map((callback) =>
      typeof callback === 'function'
        ? (value: unknown) => outside(() => (callback as Method)(value))
        : undefined,
    );
    return this.#start((end) =>
      then(
        (result: unknown) => {
          end({ result });
          return onFulfilled === undefined ? result : onFulfilled(result);
        },
        (error: unknown) => {
          end({ error });
          if (onRejected === undefined) throw error;
          return onRejected(error);
        },
      ),
    );
  }

  execute(execute: () => unknown): unknown {
    if (this.#isStarting) return execute();
    return this.#start((end) => {
      const result = execute();
      if (!types.isPromise(result)) return result;
      return result.then(
        (value) => {
          end({ result: value });
          return value;
        },
        (error: unknown) => {
          end({ error });
          throw error;
        },
      );
    });
  }

  #start<T>(work: (end: (outcome: CallOutcome) => void) => T): T {
    this.#isStarting = true;
    try {
      return this.run(() => {
        // A query with its own scheduler calls back in the scope of other code.
        const inside = this.capture();
        const end = (outcome: CallOutcome): void => inside(() => this.#settleOnce(outcome));
        try {
          return work(end);
        } catch (error) {
          end({ error });
          throw error;
        }
      });
    } finally {
      this.#isStarting = false;
    }
  }

  /** Reports the first execution only: some queries remember their result, others run again. */
  #settleOnce(outcome: CallOutcome): void {
    if (this.#hasSettled) return;
    this.#hasSettled = true;
    this.settle(outcome);
  }
}
