import { isDate } from '../diagnostics/built-in.js';
import { InvalidContextError, UnknownContextError } from '../diagnostics/errors.js';
import { describeValue, quoteName } from '../diagnostics/describe.js';
import { isPlainObject, type EventContext } from '../event/event.js';
import type { ContextType } from '../event-types/event-type.js';
import { endPeriod } from '../event/periods.js';
import { snapshot } from '../event/snapshot.js';
import {
  ContextView,
  flattenEntries,
  type ContextEntry,
  type MeasuredContext,
} from './context-view.js';

/**
 * The kind of a scope. Scopes nest in this order.
 *
 * @remarks
 * A connection is always directly in the process; a request is in a connection, or directly in the
 * process.
 */
export type ContextScope = 'process' | 'connection' | 'request' | 'handler' | 'block';

/** An entered context; disposing it removes this entry only, even if others were entered since. */
export interface EnteredContext extends Disposable {
  /** The values of the context that JSON cannot represent: the path of each and its replacement. */
  readonly conversions: readonly string[];
}

/** How a context is entered. */
export interface EnterOptions {
  /**
   * The name of the only tracker whose events carry the context.
   *
   * @default every tracker that shares the stack
   */
  tracker?: string;
  /**
   * The declared type of the context.
   *
   * @default none
   */
  type?: ContextType | undefined;
}

/** How a context is entered that is read again for each event. */
export interface EnterLiveOptions extends EnterOptions {
  /**
   * Called each time the context holds values that JSON cannot represent, with their replacements.
   *
   * @default not reported
   */
  onConversions?: (conversions: readonly string[]) => void;
  /**
   * Changes the copy of the values before it is merged.
   *
   * @default unchanged
   */
  adjust?: (values: EventContext) => void;
}

const NO_ENTRIES: readonly ContextEntry[] = [];

/** How deep handlers and blocks nest before the outer ones become a snapshot. */
const DEPTH_LIMIT = 32;
/** How many of the inner ones stay as they are. */
const KEPT_DEPTH = 16;

/** Removes an entry from a stack; does nothing if the stack no longer holds it. */
let removeEntry: (stack: ContextStack, entry: ContextEntry) => void;

/**
 * The contexts of the running code: those of one scope, and of the scopes around it.
 *
 * @remarks
 * Only {@link ContextLocator.run} opens a scope; entering a context adds to the current one, where
 * all code in the scope sees it at once. Contexts are merged shallowly: outer scopes first, and
 * within a scope in the order of entry. A context replaces the context of the same name in an outer
 * scope as a whole.
 *
 * Work that restarts itself nests scopes without limit. Once handlers and blocks nest more than 32
 * deep, those around the inner 16 are therefore replaced by one scope with a snapshot of their
 * contexts: inner code keeps seeing those contexts, but no later change to them.
 */
export class ContextStack {
  static {
    removeEntry = (stack, entry) => {
      if (stack.#entries.includes(entry)) {
        stack.#entries = stack.#entries.filter((other) => other !== entry);
      }
    };
  }

  /**
   * The period in which the request began, or the outermost scope where there is none.
   *
   * @internal
   */
  readonly since: number;
  #entries: readonly ContextEntry[] = NO_ENTRIES;
  #view: ContextView = ContextView.empty;
  #viewedEntries: readonly ContextEntry[] = this.#entries;
  #viewedOuter: ContextView = ContextView.empty;
  #outer: ContextStack | undefined;
  /** The number of handlers and blocks from the request or process to this scope. */
  #depth = 0;

  constructor(
    readonly scope: ContextScope,
    outer?: ContextStack,
  ) {
    this.#outer = outer;
    this.since = beginsWork(scope, outer) ? endPeriod() + 1 : outer!.since;
    if (outer !== undefined && (scope === 'block' || scope === 'handler')) {
      this.#depth = outer.#depth + 1;
      if (this.#depth > DEPTH_LIMIT) this.#flattenOuterScopes();
    }
  }

  /** The scope around this one; undefined for the process. */
  get outer(): ContextStack | undefined {
    return this.#outer;
  }

  /**
   * Enters a context in this scope; replaces the context of the same name and becomes the latest.
   *
   * @param name - the name, or undefined for an anonymous context, which shadows nothing
   * @throws {@link InvalidContextError} if the context is not an object, or the name not a string
   */
  enter(name: string | undefined, context: object, options: EnterOptions = {}): EnteredContext {
    if (name !== undefined && typeof name !== 'string') {
      throw new InvalidContextError(
        `The name of a context must be a string; received ${describeValue(name)}. ` +
          `Call enterContext('request', { … }).`,
      );
    }
    const { values, conversions } = snapshotContext(name, context);
    const entry = {
      name: name ?? Symbol('anonymous'),
      tracker: options.tracker,
      type: options.type,
      read: undefined,
      values,
    };
    return this.#push(entry, conversions);
  }

  /**
   * Enters values without a copy: JSON can represent them, and the caller does not keep them.
   *
   * @internal
   */
  enterOwn(name: string, values: EventContext, type?: ContextType): void {
    this.#add({ name, tracker: undefined, type, read: undefined, values });
  }

  /**
   * Merges the contexts again, because the owner of values from {@link enterOwn} changed them.
   *
   * @internal
   */
  refresh(): void {
    if (this.#entries === this.#viewedEntries) this.#entries = [...this.#entries];
  }

  /**
   * Enters a context whose values are read again for each event.
   *
   * @remarks If `read` throws, `onFault` receives the error and the context of that event is empty.
   */
  enterLive(
    name: string,
    read: () => object,
    onFault: (fault: unknown) => void,
    options: EnterLiveOptions = {},
  ): EnteredContext {
    const { tracker, type, onConversions, adjust } = options;
    const readSafely = (): EventContext => {
      try {
        const { values, conversions } = snapshotContext(name, read());
        if (conversions.length > 0) onConversions?.(conversions);
        adjust?.(values);
        return values;
      } catch (fault) {
        onFault(fault);
        return {};
      }
    };
    return this.#push({ name, tracker, type, read: readSafely, values: {} }, []);
  }

  /**
   * Exits a context of the given name, in the innermost scope that has one.
   *
   * @throws {@link UnknownContextError} if no scope of the running code has it, or if it belongs to
   * the process and the code runs in a request or connection
   */
  exit(name: string): void {
    for (let stack: ContextStack | undefined = this; stack !== undefined; stack = stack.#outer) {
      const entries: readonly ContextEntry[] = stack.#entries;
      const index = entries.findLastIndex((entry) => entry.name === name);
      if (index >= 0) {
        stack.#entries = entries.toSpliced(index, 1);
        return;
      }
      if (isOutermostOfItsOwn(stack)) {
        throw stack.#outer !== undefined && stack.#outer.#holds(name)
          ? contextOfProcess(name, stack.scope)
          : this.#unknownContext(name);
      }
    }
    throw this.#unknownContext(name);
  }

  /** Merges all contexts that apply to a tracker into a new object, which the caller may change. */
  resolve(tracker?: string): EventContext {
    return this.#currentView().resolve(tracker).values;
  }

  /**
   * Merges like {@link resolve}, and also returns the size and the types.
   *
   * @internal
   */
  measure(tracker: string): MeasuredContext {
    return this.#currentView().resolve(tracker);
  }

  /** The names of the contexts in this scope and the scopes around it, outermost first. */
  get names(): readonly string[] {
    return this.#currentView()
      .entries.map((entry) => entry.name)
      .filter((name) => typeof name === 'string');
  }

  /** Whether this is the given stack or is nested in it. */
  isWithin(stack: ContextStack): boolean {
    for (let inner: ContextStack | undefined = this; inner !== undefined; inner = inner.#outer) {
      if (inner === stack) return true;
    }
    return false;
  }

  #push(entry: ContextEntry, conversions: readonly string[]): EnteredContext {
    this.#add(entry);
    return new Entered(this, entry, conversions);
  }

  #add(entry: ContextEntry): void {
    // Most scopes hold one context, which needs no filter.
    this.#entries =
      this.#entries.length === 0
        ? [entry]
        : [...this.#entries.filter((other) => !isSameContext(other, entry)), entry];
  }

  #holds(name: string): boolean {
    return this.#entries.some((entry) => entry.name === name);
  }

  /** Replaces the outer handlers and blocks by one scope with a snapshot of their contexts. */
  #flattenOuterScopes(): void {
    const kept: ContextStack[] = [];
    let root: ContextStack = this;
    for (; root.#depth > 0; root = root.#outer!) kept.push(root);
    const replaced = kept.splice(KEPT_DEPTH).toReversed();
    // Depths are upper limits: flattening from another branch may have shortened this one.
    if (replaced.length > 0) {
      const snapshotScope = new ContextStack('block', root);
      snapshotScope.#entries = flattenEntries(replaced.map((stack) => stack.#entries));
      kept.at(-1)!.#outer = snapshotScope;
    }
    for (const [index, stack] of kept.entries()) stack.#depth = kept.length - index + 1;
  }

  /** Returns the view, updated if entries changed; arrays of entries are never changed in place. */
  #currentView(): ContextView {
    let changed: ContextStack | undefined;
    let stack: ContextStack = this;
    for (let outer = stack.#outer; outer !== undefined; outer = stack.#outer) {
      if (stack.#entries !== stack.#viewedEntries || outer.#view !== stack.#viewedOuter)
        changed = stack;
      stack = outer;
    }
    if (stack.#entries !== stack.#viewedEntries) changed = stack;
    if (changed !== undefined) this.#updateViewsFrom(changed);
    return this.#view;
  }

  #updateViewsFrom(changed: ContextStack): void {
    if (changed !== this) {
      const stacks = [this.#outer!];
      while (stacks.at(-1) !== changed) stacks.push(stacks.at(-1)!.#outer!);
      while (stacks.length > 0) stacks.pop()!.#updateView();
    }
    this.#updateView();
  }

  #updateView(): void {
    const outer = this.#outer === undefined ? ContextView.empty : this.#outer.#view;
    this.#view = this.#entries.length === 0 ? outer : outer.with(this.#entries);
    this.#viewedOuter = outer;
    this.#viewedEntries = this.#entries;
  }

  #unknownContext(name: unknown): UnknownContextError {
    const entered = this.names.map((known) => `'${known}'`).join(', ');
    return new UnknownContextError(
      `The context ${quoteName(name)} is not entered here; entered contexts: ` +
        `${entered === '' ? 'none' : entered}. Exit a context in the scope that entered it, or use ` +
        `context(name, values, callback), which exits it by itself.`,
    );
  }
}

/** Whether only the process is around a scope, which other requests and connections share. */
function isOutermostOfItsOwn({ scope, outer }: ContextStack): boolean {
  return scope === 'connection' || (scope === 'request' && outer?.scope !== 'connection');
}

function contextOfProcess(name: unknown, scope: ContextScope): UnknownContextError {
  return new UnknownContextError(
    `The context ${quoteName(name)} belongs to the process and cannot be exited in a ${scope}: ` +
      `every other ${scope} would lose it too. Exit it where it was entered, outside any ${scope}.`,
  );
}

function isSameContext(one: ContextEntry, other: ContextEntry): boolean {
  return one.name === other.name && one.tracker === other.tracker;
}

class Entered implements EnteredContext {
  readonly #stack: ContextStack;
  readonly #entry: ContextEntry;

  constructor(
    stack: ContextStack,
    entry: ContextEntry,
    readonly conversions: readonly string[],
  ) {
    this.#stack = stack;
    this.#entry = entry;
  }

  [Symbol.dispose](): void {
    removeEntry(this.#stack, this.#entry);
  }
}

function snapshotContext(
  name: string | undefined,
  context: unknown,
): { values: EventContext; conversions: readonly string[] } {
  const { value, conversions } = snapshot(context);
  if (!isPlainObject(value) || isDate(value)) {
    throw new InvalidContextError(
      `The context ${name === undefined ? 'without a name' : `'${name}'`} must be an object of keys and ` +
        `values; received ${describeValue(context)}. Pass an object such as { user_id: 7 }.`,
    );
  }
  return { values: value, conversions };
}

function beginsWork(scope: ContextScope, outer: ContextStack | undefined): boolean {
  return outer === undefined || outer.scope === 'process' || scope === 'request';
}
