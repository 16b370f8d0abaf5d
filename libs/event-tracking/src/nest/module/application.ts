import { Logger } from '@nestjs/common';
import type { ContextLocator } from '../../core/context/context-locator.js';
import type { ContextStack } from '../../core/context/context-stack.js';
import { Diagnostics } from '../../core/diagnostics/diagnostics.js';
import { EventViolationError } from '../../core/diagnostics/errors.js';
import {
  isContextType,
  isEventType,
  nameOfType,
  type ContextType,
  type EventType,
} from '../../core/event-types/event-type.js';
import { EventPipeline } from '../../core/tracker/event-pipeline.js';
import { Tracker } from '../../core/tracker/tracker.js';
import { ClsContextLocator } from '../request/cls-context-locator.js';
import { DEFAULT_TRACKER } from '../tokens.js';

/** A tracker, and the pipeline through which its owner controls it. */
export interface OwnedTracker {
  readonly tracker: Tracker;
  readonly pipeline: EventPipeline;
}

/**
 * Holds the state of one application: its trackers and the context locator that they share.
 *
 * @remarks Has no dependencies, so that every provider can depend on a tracker.
 */
export class EventTrackingApplication {
  readonly diagnostics: Diagnostics;
  enabled = true;
  /** Whether Nest has begun to close the application. */
  isClosing = false;
  /** Whether the configuration, an event type or a decorator has `transaction: 'commit'`. */
  asksForCommit = false;
  #locator: ContextLocator = new ClsContextLocator();
  readonly #logger = new Logger('EventTracking');
  readonly #trackers = new Map<string, OwnedTracker>();
  readonly #injected = new Map<string, Pick<Tracker, 'emit'>>();
  readonly #types: (EventType | ContextType)[] = [];

  constructor(names: Iterable<string> = []) {
    this.diagnostics = new Diagnostics(this.#logger);
    for (const name of [DEFAULT_TRACKER, ...names]) this.ownTracker(name);
  }

  /** Finds the contexts of the running code, for all trackers. */
  get locator(): ContextLocator {
    return this.#locator;
  }

  set locator(locator: ContextLocator) {
    this.#locator = locator;
  }

  tracker(name: string): Tracker | undefined {
    return this.#trackers.get(name)?.tracker;
  }

  /** Records what Nest injects for a tracker, which may be a double that replaces it in a test. */
  useInjected(name: string, tracker: Pick<Tracker, 'emit'>): void {
    this.#injected.set(name, tracker);
  }

  /** Returns the tracker through which decorators emit: the one that Nest injects, if it does. */
  injectedTracker(name: string): Pick<Tracker, 'emit'> | undefined {
    return this.#injected.get(name) ?? this.tracker(name);
  }

  /** The trackers by name, with the pipelines that control them. */
  get trackers(): ReadonlyMap<string, OwnedTracker> {
    return this.#trackers;
  }

  /** Returns the tracker with a name, and creates it if there is none. */
  ownTracker(name: string): OwnedTracker {
    let owned = this.#trackers.get(name);
    if (owned === undefined) {
      const pipeline = new EventPipeline({
        name,
        contextLocator: this.#locator,
        logger: this.#logger,
      });
      owned = { pipeline, tracker: new Tracker(pipeline) };
      this.#trackers.set(name, owned);
      for (const type of this.#types) owned.tracker.register(type);
    }
    return owned;
  }

  /** Registers event and context types with all trackers, including later ones. */
  register(types: Iterable<EventType | ContextType>): void {
    for (const type of types) {
      this.#types.push(type);
      if (isEventType(type) && type.transaction === 'commit') this.asksForCommit = true;
      for (const { tracker } of this.#trackers.values()) tracker.register(type);
    }
  }

  contextType(name: string): ContextType | undefined {
    return this.#trackers.get(DEFAULT_TRACKER)?.pipeline.types.contextOf(name);
  }

  /**
   * Enters a context for all trackers, or for a single one.
   *
   * @throws {@link InvalidContextError} if the context is not an object of keys and values
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

  /** Reports values of a context that JSON cannot represent, on the context's tracker or the default one. */
  reportConversions(
    context: string,
    conversions: readonly string[],
    tracker: string = DEFAULT_TRACKER,
  ): void {
    this.#trackers.get(tracker)?.pipeline.check.unserialisable('context', context, conversions);
  }

  /**
   * Fails if a strict tracker has recorded violations.
   *
   * @throws {@link EventViolationError} with the violations of all strict trackers
   */
  refuseViolations(): void {
    const faults = [...this.#trackers.values()].flatMap(({ pipeline }) => {
      try {
        pipeline.check.refuse();
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

  /** The outermost scope, shared by all code of the process. */
  get processScope(): ContextStack {
    let stack = this.#locator.get();
    while (stack.outer !== undefined) stack = stack.outer;
    return stack;
  }
}
