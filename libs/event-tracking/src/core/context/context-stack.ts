import { InvalidContextError, UnknownContextError } from '../diagnostics/errors.js';
import { describeValue, quoteName } from '../diagnostics/describe.js';
import { isPlainObject, type EventContext } from '../event/event.js';
import type { ContextType } from '../event-types/event-type.js';
import { estimateSize } from '../event/event-size.js';
import { copyOf, setOwn, snapshot } from '../event/snapshot.js';

/** Where a context lives. Scopes nest in this order; a request always stands directly in its process. */
export type ContextScope = 'process' | 'request' | 'handler' | 'block';

/** A context that was entered; disposing it removes exactly this entry, whatever was entered since. */
export interface EnteredContext extends Disposable {
  /** What had to be rewritten in the context because JSON cannot say it. */
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
   * What the context is.
   *
   * @default nothing is known of it
   */
  type?: ContextType | undefined;
}

/** How a context is entered that is read anew for each event. */
export interface EnterLiveOptions extends EnterOptions {
  /**
   * Told what had to be rewritten each time that JSON cannot say what was read.
   *
   * @default nobody is told
   */
  onConversions?: (conversions: readonly string[]) => void;
}

/** A merged context with its estimated size in bytes. */
export interface MeasuredContext {
  readonly values: EventContext;
  readonly size: number;
  /** The types of the contexts that were merged, as far as they are described. */
  readonly types: readonly ContextType[];
}

interface ContextEntry {
  readonly name: string | symbol;
  readonly tracker: string | undefined;
  readonly type: ContextType | undefined;
  /** Reads the values at the moment of the event. */
  readonly read: (() => EventContext) | undefined;
  readonly values: EventContext;
}

const NO_ENTRIES: readonly ContextEntry[] = [];
const NO_TYPES: readonly ContextType[] = [];

/** Removes an entry from a stack, if the stack still holds it. */
let removeEntry: (stack: ContextStack, entry: ContextEntry) => void;

/**
 * The contexts that belong to the running code: one scope of them, and the scopes around it.
 *
 * @remarks
 * A scope is opened by {@link ContextLocator.run} and never by entering a context. What is entered goes into this
 * scope and is seen at once by all code that runs in it. Merging is shallow: outer scopes first, within one scope
 * the latest entry last, and a name shadows the same name of an outer scope whole.
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
    /** Which kind of scope this is. */
    readonly scope: ContextScope,
    /** The scope around this one; none around the process. */
    readonly outer?: ContextStack,
  ) {}

  /**
   * Enters a context in this scope; a name that the scope holds already is replaced and moves to the top.
   *
   * @param name - its name, or undefined for an anonymous context, which shadows nothing
   * @throws {@link InvalidContextError} when the context is no object of keys and values, or the name no string
   */
  enter(name: string | undefined, context: object, options: EnterOptions = {}): EnteredContext {
    if (name !== undefined && typeof name !== 'string') {
      throw new InvalidContextError(
        `A context's name is a string, received ${describeValue(name)}. Call enterContext('request', { … }).`,
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
   * Enters values that nobody else holds and that JSON can say: they are not copied.
   *
   * @internal
   */
  enterOwn(name: string, values: EventContext, type?: ContextType): void {
    this.#add({ name, tracker: undefined, type, read: undefined, values });
  }

  /**
   * Enters a context whose values are read anew for each event.
   *
   * @remarks A fault in `read` leaves the context empty for that event and is handed to `onFault`.
   */
  enterLive(
    name: string,
    read: () => object,
    onFault: (fault: unknown) => void,
    options: EnterLiveOptions = {},
  ): EnteredContext {
    const { tracker, type, onConversions } = options;
    const readSafely = (): EventContext => {
      try {
        const { values, conversions } = snapshotContext(name, read());
        if (conversions.length > 0) onConversions?.(conversions);
        return values;
      } catch (fault) {
        onFault(fault);
        return {};
      }
    };
    return this.#push({ name, tracker, type, read: readSafely, values: {} }, []);
  }

  /**
   * Leaves a context: the one in the innermost scope that holds the name.
   *
   * @throws {@link UnknownContextError} when no scope of the running code holds it, and when it is a context of the
   * process and the running code belongs to a request
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

  /** Merges all contexts that reach a tracker into a fresh object, which the caller may change. */
  resolve(tracker?: string): EventContext {
    return this.#currentView().resolve(tracker).values;
  }

  /**
   * Merges like {@link resolve}, and says how large the result is.
   *
   * @internal
   */
  measure(tracker: string): MeasuredContext {
    return this.#currentView().resolve(tracker);
  }

  /** The names of the contexts that are entered here and in the scopes around, outermost first. */
  get names(): readonly string[] {
    return this.#currentView()
      .entries.map((entry) => entry.name)
      .filter((name) => typeof name === 'string');
  }

  /** Tells whether this is the given stack or lies inside it. */
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
    // Most scopes hold one context.
    this.#entries =
      this.#entries.length === 0
        ? [entry]
        : [...this.#entries.filter((other) => !isSameContext(other, entry)), entry];
  }

  #holds(name: string): boolean {
    return this.#entries.some((entry) => entry.name === name);
  }

  /**
   * Entries are never changed in place, so that an unchanged array means an unchanged scope.
   *
   * @remarks No recursion: work that starts itself again nests its scopes without end.
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
    if (changed !== undefined) this.#lookFrom(changed);
    return this.#view;
  }

  /** Updates the views from a scope around this one inwards. */
  #lookFrom(changed: ContextStack): void {
    if (changed !== this) {
      const stacks = [this.outer!];
      while (stacks.at(-1) !== changed) stacks.push(stacks.at(-1)!.outer!);
      while (stacks.length > 0) stacks.pop()!.#look();
    }
    this.#look();
  }

  #look(): void {
    const outer = this.outer === undefined ? ContextView.empty : this.outer.#view;
    this.#view = this.#entries.length === 0 ? outer : outer.with(this.#entries);
    this.#viewedOuter = outer;
    this.#viewedEntries = this.#entries;
  }

  #unknownContext(name: unknown, heldByProcess: boolean): UnknownContextError {
    if (heldByProcess) {
      return new UnknownContextError(
        `The context '${String(name)}' belongs to the process and cannot be exited from within a request: it would be ` +
          `taken from every other request too. Exit it where it was entered, outside any request.`,
      );
    }
    const entered = this.names.map((known) => `'${known}'`).join(', ');
    return new UnknownContextError(
      `The context ${quoteName(name)} is not entered here. Entered are: ${entered === '' ? 'none' : entered}. ` +
        `Exit a context in the scope that entered it, or let context(name, values, callback) leave it by itself.`,
    );
  }
}

/** What is visible from one scope: the entries of all scopes, shadowed ones left out, and their merge. */
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
    const hides = this.entries.some((entry) => isShadowed(entry, inner));
    const visible = hides
      ? this.entries.filter((entry) => !isShadowed(entry, inner))
      : this.entries;
    return new ContextView([...visible, ...inner]);
  }

  resolve(tracker: string | undefined): MeasuredContext {
    // Most scopes are read once, by one event, and a merge that is not kept needs no copy.
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
  /** Whether a shallow copy is a whole one. */
  readonly flat: boolean;
}

/** An entry for all trackers hides the outer one of its name; one for a single tracker hides it from that tracker. */
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
    if (!reaches(entry, tracker) || isHiddenByLater(entries, index, tracker)) continue;
    if (entry.type !== undefined) types = [...types, entry.type];
    const own = entry.read === undefined ? entry.values : entry.read();
    // The engine copies a whole object faster than its members.
    if (values === undefined) values = { ...own };
    else for (const key of Object.keys(own)) setOwn(values, key, own[key]);
  }
  values ??= {};
  const size = sizeOfFlat(values);
  return { values, size: size ?? estimateSize(values), types, flat: size !== undefined };
}

/** Estimates the size of a context without nested values, as {@link estimateSize} does; undefined where values nest. */
function sizeOfFlat(values: EventContext): number | undefined {
  let size = 8;
  for (const key in values) {
    const value = values[key];
    if (typeof value === 'object' && value !== null) return undefined;
    size += key.length + 3 + (typeof value === 'string' ? value.length + 3 : 8);
  }
  return size;
}

function reaches(entry: ContextEntry, tracker: string | undefined): boolean {
  return entry.tracker === undefined || entry.tracker === tracker;
}

/** An outer context for all trackers may still be hidden by an inner one of its name for this tracker alone. */
function isHiddenByLater(
  entries: readonly ContextEntry[],
  index: number,
  tracker: string | undefined,
): boolean {
  const { name } = entries[index]!;
  for (let later = index + 1; later < entries.length; later++) {
    if (entries[later]!.name === name && reaches(entries[later]!, tracker)) return true;
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
      `The context ${name === undefined ? 'without a name' : `'${name}'`} is an object of keys and values, received ` +
        `${describeValue(context)}. Pass an object such as { user_id: 7 }.`,
    );
  }
  return { values: value, conversions };
}
