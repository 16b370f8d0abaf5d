import { isThenable } from '../diagnostics/is-thenable.js';
import type { ContextStack } from './context-stack.js';
import type { TransactionScope } from './transaction-scope.js';

/** The part of `AsyncLocalStorage` that keeps the scopes of the running code. */
export interface ScopeStorage {
  getStore(): ScopeFrame | undefined;
  run<T>(frame: ScopeFrame, fn: () => T): T;
}

/**
 * The current scope of one locator, linked to the current scopes of other locators.
 *
 * @remarks Each frame names its locator, so that all applications can share one storage.
 */
export interface ScopeFrame {
  /** The locator; undefined if the frame only carries a transaction. */
  readonly owner: object | undefined;
  readonly stack: ContextStack | undefined;
  readonly others: ScopeFrame | undefined;
  /**
   * The transaction of the running code, whatever the locator.
   *
   * @internal
   */
  readonly transaction?: TransactionScope | undefined;
}

interface AsyncHooks {
  AsyncLocalStorage: new () => ScopeStorage;
}

let shared: ScopeStorage | undefined;
let single: ScopeStorage | undefined;

/** Returns the storage that the whole process shares; undefined if the platform has none. */
export function platformStorage(): ScopeStorage | undefined {
  if (shared === undefined) {
    const { process } = globalThis as {
      process?: { getBuiltinModule?: (name: string) => unknown };
    };
    const hooks = process?.getBuiltinModule?.('async_hooks') as AsyncHooks | undefined;
    shared = hooks === undefined ? undefined : new hooks.AsyncLocalStorage();
  }
  return shared;
}

/** Returns the storage that keeps the transaction of the running code. */
export function transactionStorage(): ScopeStorage {
  return platformStorage() ?? (single ??= new SingleStack());
}

/** Replaces asynchronous storage: the current frame is the latest one that is still open. */
export class SingleStack implements ScopeStorage {
  #open: readonly ScopeFrame[] = [];

  getStore(): ScopeFrame | undefined {
    return this.#open.at(-1);
  }

  run<T>(frame: ScopeFrame, fn: () => T): T {
    this.#open = [...this.#open, frame];
    const close = () => {
      this.#open = this.#open.filter((other) => other !== frame);
    };
    let result: T;
    try {
      result = fn();
    } catch (error) {
      close();
      throw error;
    }
    if (isThenable(result)) void result.then(close, close);
    else close();
    return result;
  }
}
