import type { AsyncLocalStorage } from 'node:async_hooks';
import { ClsService } from 'nestjs-cls';
import { StorageContextLocator } from '../../core/context/context-locator.js';
import {
  platformStorage,
  type ScopeFrame,
  type ScopeStorage,
} from '../../core/context/scope-storage.js';

/**
 * Finds contexts with a `ClsService` of nestjs-cls whose storage belongs to this library.
 *
 * @remarks
 * Does not use the CLS store of the application, which guards, interceptors and `enterWith` can
 * replace at any time. The whole process shares one storage, because on Node 20 each storage slows
 * down every `await`.
 */
export class ClsContextLocator extends StorageContextLocator {
  protected override storage(): ScopeStorage {
    return (shared ??= new ClsStorage());
  }
}

let shared: ClsStorage | undefined;

class ClsStorage implements ScopeStorage {
  readonly #cls = new ClsService(platformStorage() as AsyncLocalStorage<never>);

  getStore(): ScopeFrame | undefined {
    return this.#cls.get() as unknown as ScopeFrame | undefined;
  }

  run<T>(frame: ScopeFrame, fn: () => T): T {
    return this.#cls.runWith(frame as never, fn);
  }
}
