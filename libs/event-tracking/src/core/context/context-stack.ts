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

/**
 * The contexts that belong to the running code: one scope of them, and the scopes around it.
 *
 * @remarks
 * A scope is opened by {@link ContextLocator.run} and never by entering a context. What is entered goes into this
 * scope and is seen at once by all code that runs in it. Merging is shallow: outer scopes first, within one scope
 * the latest entry last, and a name shadows the same name of an outer scope whole.
 */
export class ContextStack {
  #entries: readonly ContextEntry[] = [];
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
    this.#push({ name, tracker: undefined, type, read: undefined, values }, NO_CONVERSIONS);
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
    const others = this.#entries.some((other) => isSameContext(other, entry))
      ? this.#entries.filter((other) => !isSameContext(other, entry))
      : this.#entries;
    this.#entries = [...others, entry];
    return new Entered(conversions, () => {
      if (this.#entries.includes(entry)) {
        this.#entries = this.#entries.filter((other) => other !== entry);
      }
    });
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

  /** Looks anew at a scope around this one, and at those between. */
  #lookFrom(changed: ContextStack): void {
    const stacks: ContextStack[] = [];
    for (let stack: ContextStack = this; stack !== changed; stack = stack.outer!)
      stacks.push(stack);
    changed.#look();
    while (stacks.length > 0) stacks.pop()!.#look();
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

const NO_CONVERSIONS: readonly string[] = [];

/** What is visible from one scope: the entries of all scopes, shadowed ones left out, and their merge. */
class ContextView {
  static readonly empty = new ContextView([]);

  readonly #live: boolean;
  readonly #targeted: boolean;
  #merged: MergedContext | undefined;
  #mergedByTracker: Map<string | undefined, MergedContext> | undefined;

  constructor(readonly entries: readonly ContextEntry[]) {
    this.#live = entries.some((entry) => entry.read !== undefined);
    this.#targeted = entries.some((entry) => entry.tracker !== undefined);
  }

  with(inner: readonly ContextEntry[]): ContextView {
    if (this.entries.length === 0) return new ContextView(inner);
    const visible = this.entries.filter((entry) => !inner.some((other) => shadows(other, entry)));
    return new ContextView([...visible, ...inner]);
  }

  resolve(tracker: string | undefined): MeasuredContext {
    const { values, size, types, flat } = this.#mergedFor(tracker);
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
function shadows(inner: ContextEntry, outer: ContextEntry): boolean {
  return (
    inner.name === outer.name && (inner.tracker === undefined || inner.tracker === outer.tracker)
  );
}

function merge(entries: readonly ContextEntry[], tracker: string | undefined): MergedContext {
  let values: EventContext | undefined;
  const types: ContextType[] = [];
  for (let index = 0; index < entries.length; index++) {
    const entry = entries[index]!;
    if (!reaches(entry, tracker) || isHiddenByLater(entries, index, tracker)) continue;
    if (entry.type !== undefined) types.push(entry.type);
    const own = entry.read === undefined ? entry.values : entry.read();
    // The engine copies a whole object faster than its members.
    if (values === undefined) values = { ...own };
    else for (const key of Object.keys(own)) setOwn(values, key, own[key]);
  }
  values ??= {};
  return { values, size: estimateSize(values), types, flat: isFlat(values) };
}

function isFlat(values: EventContext): boolean {
  for (const key in values) {
    if (typeof values[key] === 'object' && values[key] !== null) return false;
  }
  return true;
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
  constructor(
    readonly conversions: readonly string[],
    private readonly leave: () => void,
  ) {}

  [Symbol.dispose](): void {
    this.leave();
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
