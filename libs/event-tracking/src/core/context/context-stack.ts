import { InvalidContextError, UnknownContextError } from '../diagnostics/errors.js';
import { describeValue, quoteName } from '../diagnostics/describe.js';
import { isPlainObject, type EventContext } from '../event/event.js';
import type { ContextType } from '../event-types/event-type.js';
import { estimateSize } from '../event/event-size.js';
import { copyOf, setOwn, snapshot } from '../event/snapshot.js';

/** The kind of a scope. Scopes nest in this order; a request is always directly in the process. */
export type ContextScope = 'process' | 'request' | 'handler' | 'block';

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

/** A merged context with its estimated size in bytes. */
export interface MeasuredContext {
  readonly values: EventContext;
  readonly size: number;
  /** The types of the merged contexts, for those that have one. */
  readonly types: readonly ContextType[];
}

interface ContextEntry {
  readonly name: string | symbol;
  readonly tracker: string | undefined;
  readonly type: ContextType | undefined;
  /** Reads the values when an event is emitted. */
  readonly read: (() => EventContext) | undefined;
  readonly values: EventContext;
}

const NO_ENTRIES: readonly ContextEntry[] = [];
const NO_TYPES: readonly ContextType[] = [];

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
 */
export class ContextStack {
  static {
    removeEntry = (stack, entry) => {
      if (stack.#entries.includes(entry)) {
        stack.#entries = stack.#entries.filter((other) => other !== entry);
      }
    };
  }

  #entries: readonly ContextEntry[] = NO_ENTRIES;
  #view: ContextView = ContextView.empty;
  #viewedEntries: readonly ContextEntry[] = this.#entries;
  #viewedOuter: ContextView = ContextView.empty;

  constructor(
    /** The kind of this scope. */
    readonly scope: ContextScope,
    /** The scope around this one; undefined for the process. */
    readonly outer?: ContextStack,
  ) {}

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
   * the process and the code runs in a request
   */
  exit(name: string): void {
    for (let stack: ContextStack | undefined = this; stack !== undefined; stack = stack.outer) {
      const entries: readonly ContextEntry[] = stack.#entries;
      const index = entries.findLastIndex((entry) => entry.name === name);
      if (index >= 0) {
        stack.#entries = entries.toSpliced(index, 1);
        return;
      }
      if (stack.scope === 'request') {
        throw this.#unknownContext(name, stack.outer !== undefined && stack.outer.#holds(name));
      }
    }
    throw this.#unknownContext(name, false);
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
    for (let inner: ContextStack | undefined = this; inner !== undefined; inner = inner.outer) {
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

  /**
   * Returns the view, updated if entries changed; arrays of entries are never changed in place.
   *
   * @remarks Avoids recursion, because work that restarts itself nests scopes without limit.
   */
  #currentView(): ContextView {
    let changed: ContextStack | undefined;
    let stack: ContextStack = this;
    for (let { outer } = stack; outer !== undefined; { outer } = stack) {
      if (stack.#entries !== stack.#viewedEntries || outer.#view !== stack.#viewedOuter)
        changed = stack;
      stack = outer;
    }
    if (stack.#entries !== stack.#viewedEntries) changed = stack;
    if (changed !== undefined) this.#updateViewsFrom(changed);
    return this.#view;
  }

  /** Updates the views from an outer scope inwards to this one. */
  #updateViewsFrom(changed: ContextStack): void {
    if (changed !== this) {
      const stacks = [this.outer!];
      while (stacks.at(-1) !== changed) stacks.push(stacks.at(-1)!.outer!);
      while (stacks.length > 0) stacks.pop()!.#updateView();
    }
    this.#updateView();
  }

  #updateView(): void {
    const outer = this.outer === undefined ? ContextView.empty : this.outer.#view;
    this.#view = this.#entries.length === 0 ? outer : outer.with(this.#entries);
    this.#viewedOuter = outer;
    this.#viewedEntries = this.#entries;
  }

  #unknownContext(name: unknown, belongsToProcess: boolean): UnknownContextError {
    if (belongsToProcess) {
      return new UnknownContextError(
        `The context '${String(name)}' belongs to the process and cannot be exited in a request: ` +
          `every other request would lose it too. Exit it where it was entered, outside any request.`,
      );
    }
    const entered = this.names.map((known) => `'${known}'`).join(', ');
    return new UnknownContextError(
      `The context ${quoteName(name)} is not entered here; entered contexts: ` +
        `${entered === '' ? 'none' : entered}. Exit a context in the scope that entered it, or use ` +
        `context(name, values, callback), which exits it by itself.`,
    );
  }
}

/** The entries visible from one scope, without the shadowed ones, and their merge. */
class ContextView {
  static readonly empty = new ContextView([]);

  readonly #live: boolean;
  readonly #targeted: boolean;
  #wasRead = false;
  #merged: MergedContext | undefined;
  #mergedByTracker: Map<string | undefined, MergedContext> | undefined;

  constructor(readonly entries: readonly ContextEntry[]) {
    let live = false;
    let targeted = false;
    for (const { read, tracker } of entries) {
      if (read !== undefined) live = true;
      if (tracker !== undefined) targeted = true;
    }
    this.#live = live;
    this.#targeted = targeted;
  }

  with(inner: readonly ContextEntry[]): ContextView {
    if (this.entries.length === 0) return new ContextView(inner);
    const anyShadowed = this.entries.some((entry) => isShadowed(entry, inner));
    const visible = anyShadowed
      ? this.entries.filter((entry) => !isShadowed(entry, inner))
      : this.entries;
    return new ContextView([...visible, ...inner]);
  }

  resolve(tracker: string | undefined): MeasuredContext {
    // Most scopes are read once, by one event: the first merge is not cached and needs no copy.
    const merged = this.#wasRead ? this.#mergedFor(tracker) : merge(this.entries, tracker);
    const { values, size, types, flat } = merged;
    if (flat && !this.#wasRead) {
      this.#wasRead = true;
      return merged;
    }
    this.#wasRead = true;
    return { values: flat ? { ...values } : copyOf(values), size, types };
  }

  #mergedFor(tracker: string | undefined): MergedContext {
    if (this.#live) return merge(this.entries, tracker);
    if (!this.#targeted) return (this.#merged ??= merge(this.entries, undefined));
    this.#mergedByTracker ??= new Map();
    let merged = this.#mergedByTracker.get(tracker);
    if (merged === undefined) {
      merged = merge(this.entries, tracker);
      this.#mergedByTracker.set(tracker, merged);
    }
    return merged;
  }
}

interface MergedContext extends MeasuredContext {
  /** Whether no value nests, so that a shallow copy suffices. */
  readonly flat: boolean;
}

/**
 * Whether an inner entry shadows the outer one; one for a tracker does so for that tracker only.
 */
function isShadowed(outer: ContextEntry, inner: readonly ContextEntry[]): boolean {
  for (const { name, tracker } of inner) {
    if (name === outer.name && (tracker === undefined || tracker === outer.tracker)) return true;
  }
  return false;
}

function merge(entries: readonly ContextEntry[], tracker: string | undefined): MergedContext {
  let values: EventContext | undefined;
  let types = NO_TYPES;
  for (let index = 0; index < entries.length; index++) {
    const entry = entries[index]!;
    if (!appliesTo(entry, tracker) || isShadowedByLater(entries, index, tracker)) continue;
    if (entry.type !== undefined) types = [...types, entry.type];
    const own = entry.read === undefined ? entry.values : entry.read();
    // V8 copies a whole object faster than its members.
    if (values === undefined) values = { ...own };
    else for (const key of Object.keys(own)) setOwn(values, key, own[key]);
  }
  values ??= {};
  const size = sizeOfFlat(values);
  return { values, size: size ?? estimateSize(values), types, flat: size !== undefined };
}

/** Estimates like {@link estimateSize}; returns undefined for a context with nested values. */
function sizeOfFlat(values: EventContext): number | undefined {
  let size = 8;
  for (const key in values) {
    const value = values[key];
    if (typeof value === 'object' && value !== null) return undefined;
    size += key.length + 3 + (typeof value === 'string' ? value.length + 3 : 8);
  }
  return size;
}

function appliesTo(entry: ContextEntry, tracker: string | undefined): boolean {
  return entry.tracker === undefined || entry.tracker === tracker;
}

/** Whether a later entry for this tracker shadows an entry, which may be one for all trackers. */
function isShadowedByLater(
  entries: readonly ContextEntry[],
  index: number,
  tracker: string | undefined,
): boolean {
  const { name } = entries[index]!;
  for (let later = index + 1; later < entries.length; later++) {
    if (entries[later]!.name === name && appliesTo(entries[later]!, tracker)) return true;
  }
  return false;
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
  if (!isPlainObject(value) || value instanceof Date) {
    throw new InvalidContextError(
      `The context ${name === undefined ? 'without a name' : `'${name}'`} must be an object of keys and ` +
        `values; received ${describeValue(context)}. Pass an object such as { user_id: 7 }.`,
    );
  }
  return { values: value, conversions };
}
