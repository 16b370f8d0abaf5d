import type { Backend } from '../core/tree/backend.js';
import { ImproperlyConfigured } from '../core/diagnostics/errors.js';
import { quoteName } from '../core/diagnostics/describe.js';
import type { TrackingEvent } from '../core/event/event.js';
import type { QueuedEvent } from '../core/tree/event-queue.js';
import { RoutingBackend } from '../core/tree/routing-backend.js';
import { copyOf } from '../core/event/snapshot.js';
import type { Tracker } from '../core/tracker/tracker.js';
import { NODE } from '../core/tree/tree-node.js';
import { isDeadLetter, withoutNote } from './dead-letter.js';
import { DeliveringBackend } from './delivering-backend.js';

/** Where a {@link Redelivery} takes events. */
export interface RedeliveryOptions {
  /**
   * The path of the backend or node that receives all events; a node's processors run.
   *
   * @default for each dead letter the backend that had given it up
   */
  target?: string;
  /**
   * The tracker of events that are not dead letters.
   *
   * @default 'default'
   */
  tracker?: string;
}

/** An event that was given up again. */
export interface FailedRedelivery<T extends TrackingEvent = TrackingEvent> {
  event: T;
  /** The error of the last attempt. */
  error: string;
}

/** How often an event is tried before it counts as given up again. */
const RETRY = { attempts: 5 };
const DEFAULT_TRACKER = 'default';

/**
 * Delivers events again: dead letters to the backends that had given them up, or any events to one that is new.
 *
 * @remarks
 * - Events keep their id and time, so a destination that already has one recognises it.
 * - A backend receives events without the processors above it, which they passed before. A node's own
 *   processors run.
 * - Events that fail again are returned, not written to the dead letters.
 */
export class Redelivery {
  readonly #destinations = new Map<Backend, Destination>();

  /** @param trackerOf - finds a tracker by its name */
  constructor(
    private readonly trackerOf: (name: string) => Tracker,
    private readonly options: RedeliveryOptions = {},
  ) {}

  /**
   * Delivers events.
   *
   * @returns those that were given up again, with the reason
   * @throws {@link ImproperlyConfigured} for an event that is not a dead letter, if no `target` is set
   * @throws {@link UnknownBackendError} when the tracker has no such backend
   */
  async deliver<T extends TrackingEvent>(events: readonly T[]): Promise<FailedRedelivery<T>[]> {
    const groups = new Map<Destination, T[]>();
    for (const event of events) {
      const destination = this.#destinationOf(event);
      const group = groups.get(destination);
      if (group === undefined) groups.set(destination, [event]);
      else group.push(event);
    }
    const failed = [...groups].map(async ([destination, group]) => {
      const errors = await destination.deliver(group.map(withoutNote));
      return group.flatMap((event) => {
        const error = errors.get(event.id);
        return error === undefined ? [] : [{ event, error }];
      });
    });
    return (await Promise.all(failed)).flat();
  }

  /** Ends it; backends and trackers stay open. */
  async end(): Promise<void> {
    const destinations = [...this.#destinations.values()];
    this.#destinations.clear();
    await Promise.all(destinations.map((destination) => destination.end()));
  }

  #destinationOf(event: TrackingEvent): Destination {
    const { tracker, path } = this.#placeOf(event);
    const backend = this.trackerOf(tracker).getBackend(path);
    let destination = this.#destinations.get(backend);
    if (destination === undefined) {
      destination = backend instanceof RoutingBackend ? nodeOf(backend) : leafOf(backend);
      this.#destinations.set(backend, destination);
    }
    return destination;
  }

  #placeOf(event: TrackingEvent): { tracker: string; path: string } {
    const { target, tracker = DEFAULT_TRACKER } = this.options;
    const note = isDeadLetter(event) ? event.dead_letter : undefined;
    if (target !== undefined) return { tracker: note?.tracker ?? tracker, path: target };
    if (note !== undefined) return note;
    throw new ImproperlyConfigured(
      `The event ${quoteName(event.name)} (${event.id}) is not a dead letter, so its destination is unknown. ` +
        `Set target to the backend or node that must receive it.`,
    );
  }
}

/** Receives redelivered events. */
interface Destination {
  /** Resolves to the errors of events that were given up, by event id. */
  deliver(events: readonly TrackingEvent[]): Promise<ReadonlyMap<string, string>>;
  end(): Promise<void>;
}

function leafOf(backend: Backend): Destination {
  const errors = new Map<string, string>();
  const delivering = new DeliveringBackend(backend, {
    retry: RETRY,
    // An event dropped by overflow would count as delivered.
    capacity: Number.MAX_SAFE_INTEGER,
    maxBytes: Number.MAX_SAFE_INTEGER,
    deadLetter: {
      send: (event) => {
        if (isDeadLetter(event)) errors.set(event.id, event.dead_letter.error);
      },
    },
  });
  return {
    async deliver(events) {
      for (const { id } of events) errors.delete(id);
      for (const event of events) delivering.send(event);
      await delivering.flush();
      return errors;
    },
    end: () => delivering.stop(),
  };
}

/** A node's backends and their dead letters decide how its events end. */
function nodeOf(node: RoutingBackend): Destination {
  return {
    async deliver(events) {
      const undelivered = await Promise.all(events.map((event) => deliverTo(node, event)));
      await node.flush();
      return new Map(undelivered.flat().map(({ event }) => [event.id, 'The backend was closed.']));
    },
    async end() {},
  };
}

function deliverTo(node: RoutingBackend, event: TrackingEvent): Promise<readonly QueuedEvent[]> {
  return node[NODE].routeAsync(copyOf(event), { keeps: true });
}
