import type { EventContext } from '../event/event.js';
import { estimateSize } from '../event/event-size.js';
import { copyOf, setOwn } from '../event/snapshot.js';
import type { ContextType } from '../event-types/event-type.js';

/** A merged context with its estimated size in bytes. */
export interface MeasuredContext {
  readonly values: EventContext;
  readonly size: number;
  /** The types of the merged contexts, for those that have one. */
  readonly types: readonly ContextType[];
}

/** One entered context. */
export interface ContextEntry {
  /** A symbol for an anonymous context. */
  readonly name: string | symbol;
  readonly tracker: string | undefined;
  readonly type: ContextType | undefined;
  /** Reads the values when an event is emitted. */
  readonly read: (() => EventContext) | undefined;
  readonly values: EventContext;
}

const NO_TYPES: readonly ContextType[] = [];

/** The entries visible from one scope, without the shadowed ones, and their merge. */
export class ContextView {
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

/** Combines the entries of nested scopes, outermost first, without those that have no effect. */
export function flattenEntries(
  scopes: readonly (readonly ContextEntry[])[],
): readonly ContextEntry[] {
  let view = ContextView.empty;
  for (const entries of scopes) if (entries.length > 0) view = view.with(entries);
  return withoutReplacedKeys(view.entries);
}

/**
 * Removes the keys of anonymous contexts that later anonymous contexts replace.
 *
 * @remarks
 * Nothing shadows or exits an anonymous context, so these keys cannot reappear. Without this,
 * anonymous contexts of work that restarts itself would accumulate.
 */
function withoutReplacedKeys(entries: readonly ContextEntry[]): readonly ContextEntry[] {
  const replaced = new Map<string | undefined, Set<string>>([[undefined, new Set()]]);
  const remaining: ContextEntry[] = [];
  for (const entry of entries.toReversed()) {
    const { name, tracker, values } = entry;
    if (typeof name === 'string') {
      remaining.push(entry);
      continue;
    }
    const own = replaced.get(tracker) ?? new Set();
    replaced.set(tracker, own);
    const keys = Object.keys(values).filter(
      (key) => !own.has(key) && !replaced.get(undefined)!.has(key),
    );
    for (const key of keys) own.add(key);
    if (keys.length === 0) continue;
    const kept: EventContext = {};
    for (const key of keys) setOwn(kept, key, values[key]);
    remaining.push({ ...entry, values: kept });
  }
  return remaining.toReversed();
}
