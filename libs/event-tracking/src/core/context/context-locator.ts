import { ContextStack, type ContextScope } from './context-stack.js';
import type { ScopeFrame, ScopeStorage } from './scope-storage.js';

/** Finds the context stack of the running code. */
export interface ContextLocator {
  /** Returns the innermost scope of the running code: the process scope if no other is open. */
  get(): ContextStack;
  /**
   * Runs a function in a scope and returns what it returns.
   *
   * @param scope - the kind of scope to open, or an open scope to continue in
   */
  run<T>(scope: ContextScope | ContextStack, fn: () => T): T;
}

/** Keeps the scopes of a locator in a storage that follows asynchronous execution. */
export abstract class StorageContextLocator implements ContextLocator {
  readonly #process = new ContextStack('process');

  /** Returns the storage; called at each use, so that it can be created at the first. */
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
      transaction: beginsElsewhere(scope) ? undefined : current?.transaction,
    };
    return storage.run(frame, fn);
  }

  #open(scope: ContextScope, current: ScopeFrame | undefined): ContextStack {
    return new ContextStack(scope, outerOf(scope, frameOf(this, current)?.stack) ?? this.#process);
  }
}

/** Whether a new scope belongs to other work than the code that opens it. */
function beginsElsewhere(scope: ContextScope | ContextStack): boolean {
  return scope === 'request' || scope === 'connection';
}

/**
 * Returns the scope around a new one; undefined for the process.
 *
 * @remarks
 * Requests and connections never nest in requests: a kept-alive socket, or a server that was
 * started inside a scope, would otherwise pass unrelated contexts on to a new request.
 */
function outerOf(scope: ContextScope, current: ContextStack | undefined): ContextStack | undefined {
  if (scope === 'connection') return undefined;
  let outer = current;
  if (scope === 'request')
    while (outer !== undefined && outer.scope !== 'connection') outer = outer.outer;
  return outer;
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
