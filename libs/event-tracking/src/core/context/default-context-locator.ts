import { StorageContextLocator } from './context-locator.js';
import { platformStorage, SingleStack, type ScopeStorage } from './scope-storage.js';

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
