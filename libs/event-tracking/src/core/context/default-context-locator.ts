import { StorageContextLocator, type ScopeFrame, type ScopeStorage } from './context-locator.js';

/**
 * Finds contexts without Nest, by the platform's `AsyncLocalStorage`.
 *
 * @remarks
 * The storage is looked up at run time and comes into being at first use; all locators of a process share it.
 * Where the platform has none (browsers), each locator keeps one stack: a block's contexts are then seen by all code
 * that runs until the block has settled, and parallel branches are not told apart.
 */
export class DefaultContextLocator extends StorageContextLocator {
  #storage: ScopeStorage | undefined;

  protected override storage(): ScopeStorage {
    return (this.#storage ??= platformStorage() ?? new SingleStack());
  }
}

interface AsyncHooks {
  AsyncLocalStorage: new () => ScopeStorage;
}

let shared: ScopeStorage | undefined;

function platformStorage(): ScopeStorage | undefined {
  if (shared === undefined) {
    const { process } = globalThis as {
      process?: { getBuiltinModule?: (name: string) => unknown };
    };
    const hooks = process?.getBuiltinModule?.('async_hooks') as AsyncHooks | undefined;
    shared = hooks === undefined ? undefined : new hooks.AsyncLocalStorage();
  }
  return shared;
}

/** Stands in for asynchronous storage: whatever frame was opened last and has not ended is the current one. */
class SingleStack implements ScopeStorage {
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
    if (result instanceof Promise) void result.then(close, close);
    else close();
    return result;
  }
}
