import { Logger } from '@nestjs/common';
import type { ContextLocator } from '../../core/context/context-locator.js';
import type { ContextStack } from '../../core/context/context-stack.js';
import { Diagnostics } from '../../core/diagnostics/diagnostics.js';
import { EventViolationError } from '../../core/diagnostics/errors.js';
import {
  isContextType,
  nameOfType,
  type ContextType,
  type EventType,
} from '../../core/event-types/event-type.js';
import {
  createDetachedTracker,
  type DetachedTracker,
  type Tracker,
} from '../../core/tracker/tracker.js';
import { ClsContextLocator } from '../request/cls-context-locator.js';
import { DEFAULT_TRACKER } from '../tokens.js';

/**
 * What belongs to one application: its trackers, and the locator that they share.
 *
 * @remarks Depends on nothing, so that everything may depend on its trackers.
 */
export class EventTrackingApplication {
  readonly diagnostics: Diagnostics;
  enabled = true;
  /** Whether the application has shut down. */
  hasEnded = false;
  #locator: ContextLocator = new ClsContextLocator();
  readonly #logger = new Logger('EventTracking');
  readonly #trackers = new Map<string, DetachedTracker>();
  readonly #types: (EventType | ContextType)[] = [];

  constructor(names: Iterable<string> = []) {
    this.diagnostics = new Diagnostics(this.#logger);
    for (const name of [DEFAULT_TRACKER, ...names]) this.detached(name);
  }

  /** Finds the contexts of the running code, for all trackers. */
  get locator(): ContextLocator {
    return this.#locator;
  }

  set locator(locator: ContextLocator) {
    this.#locator = locator;
  }

  /** The tracker of a name, if the application has it. */
  tracker(name: string): Tracker | undefined {
    return this.#trackers.get(name)?.tracker;
  }

  /** All trackers with what is needed to run them. */
  get trackers(): ReadonlyMap<string, DetachedTracker> {
    return this.#trackers;
  }

  /** The tracker of a name, made where the application has none. */
  detached(name: string): DetachedTracker {
    let detached = this.#trackers.get(name);
    if (detached === undefined) {
      detached = createDetachedTracker({
        name,
        contextLocator: this.#locator,
        logger: this.#logger,
      });
      this.#trackers.set(name, detached);
      for (const type of this.#types) detached.tracker.register(type);
    }
    return detached;
  }

  /** Registers types of events and contexts with all trackers. */
  register(types: Iterable<EventType | ContextType>): void {
    for (const type of types) {
      this.#types.push(type);
      for (const { tracker } of this.#trackers.values()) tracker.register(type);
    }
  }

  /** The type of contexts of a name, if it was registered. */
  contextType(name: string): ContextType | undefined {
    return this.#trackers.get(DEFAULT_TRACKER)?.contextType(name);
  }

  /**
   * Enters a context for all trackers, or for one alone.
   *
   * @throws {@link InvalidContextError} when the context is no object of keys and values
   */
  enter(
    scope: ContextStack,
    context: string | ContextType,
    values: object,
    tracker: string | undefined,
  ): void {
    const name = nameOfType(context);
    const type = isContextType(context) ? context : this.contextType(name);
    const { conversions } = scope.enter(name, values, { tracker, type });
    if (conversions.length > 0) this.reportConversions(name, conversions, tracker);
  }

  /** Says, of the tracker that a context is for or of the default one, that it held what JSON cannot say. */
  reportConversions(
    context: string,
    conversions: readonly string[],
    tracker: string = DEFAULT_TRACKER,
  ): void {
    this.#trackers.get(tracker)?.unserialisable(context, conversions);
  }

  /** @throws {@link EventViolationError} where trackers are strict, with all that differed in any of them */
  refuseViolations(): void {
    const faults = [...this.#trackers.values()].flatMap((detached) => {
      try {
        detached.refuseViolations();
        return [];
      } catch (fault) {
        return [fault as EventViolationError];
      }
    });
    const [first, ...others] = faults;
    if (first === undefined) return;
    if (others.length === 0) throw first;
    throw new EventViolationError(faults.map(({ message }) => message).join('\n'), {
      violations: faults.flatMap(({ violations }) => violations),
    });
  }

  /** The scope of the process. */
  get processScope(): ContextStack {
    let stack = this.#locator.get();
    while (stack.outer !== undefined) stack = stack.outer;
    return stack;
  }
}
