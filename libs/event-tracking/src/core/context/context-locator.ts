import { ContextStack, type ContextScope } from './context-stack.js';

/** Finds the context stack that belongs to the running code. */
export interface ContextLocator {
  /** The innermost scope of the running code; the process's own outside any other. */
  get(): ContextStack;
  /**
   * Runs a function in a scope and returns what it returns.
   *
   * @param scope - the kind of a new scope to open, or a stack to go on in
   */
  run<T>(scope: ContextScope | ContextStack, fn: () => T): T;
}

/** What a {@link StorageContextLocator} keeps its scopes in: the part of `AsyncLocalStorage` that it uses. */
export interface ScopeStorage {
  getStore(): ScopeFrame | undefined;
  run<T>(frame: ScopeFrame, fn: () => T): T;
}

/**
 * One locator's current scope, with those of other locators that the running code is in.
 *
 * @remarks Frames are tagged by their locator, so that any number of applications share one storage.
 */
export interface ScopeFrame {
  readonly owner: ContextLocator;
  readonly stack: ContextStack;
  readonly others: ScopeFrame | undefined;
}

/** A locator that keeps its scopes in a storage that follows asynchronous execution. */
export abstract class StorageContextLocator implements ContextLocator {
  readonly #process = new ContextStack('process');

  /** The storage; asked for at first use. */
  protected abstract storage(): ScopeStorage;

  get(): ContextStack {
    return frameOf(this, this.storage().getStore())?.stack ?? this.#process;
  }

  run<T>(scope: ContextScope | ContextStack, fn: () => T): T {
    const storage = this.storage();
    const current = storage.getStore();
    const frame: ScopeFrame = {
      owner: this,
      stack: typeof scope === 'string' ? this.#open(scope, current) : scope,
      others: without(this, current),
    };
    return storage.run(frame, fn);
  }

  #open(scope: ContextScope, current: ScopeFrame | undefined): ContextStack {
    // A request never stands in another: sockets that are kept open, and servers that were started
    // from within a scope, would otherwise pass on contexts that the new request has nothing to do with.
    const outer = scope === 'request' ? undefined : frameOf(this, current)?.stack;
    return new ContextStack(scope, outer ?? this.#process);
  }
}

function frameOf(owner: ContextLocator, innermost: ScopeFrame | undefined): ScopeFrame | undefined {
  let frame = innermost;
  while (frame !== undefined && frame.owner !== owner) frame = frame.others;
  return frame;
}

function without(owner: ContextLocator, innermost: ScopeFrame | undefined): ScopeFrame | undefined {
  if (innermost === undefined) return undefined;
  if (innermost.owner === owner) return innermost.others;
  if (frameOf(owner, innermost) === undefined) return innermost;
  return { ...innermost, others: without(owner, innermost.others) };
}
