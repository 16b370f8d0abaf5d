import { isThenable } from '../diagnostics/is-thenable.js';
import { StorageContextLocator, type ScopeFrame, type ScopeStorage } from './context-locator.js';

/**
 * Finds contexts without Nest, with the `AsyncLocalStorage` of the platform.
 *
 * @remarks
 * The storage is created at first use and shared by all locators of the process. On platforms
 * without one (browsers), each locator keeps a single stack: all code that runs until a block
 * settles sees the block's contexts, and parallel branches share theirs.
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

/** Replaces asynchronous storage: the current frame is the latest one that is still open. */
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
    if (isThenable(result)) void result.then(close, close);
    else close();
    return result;
  }
}
