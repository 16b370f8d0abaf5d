import type { EventStats } from './event-stats.js';
import type { Backend } from './backend.js';
import type { Diagnostics } from '../diagnostics/diagnostics.js';
import type { TrackingEvent } from '../event/event.js';
import type { ConsumeOptions, QueuedEvent } from './event-queue.js';

/** Takes an event that the caller gives away; known to every copy of the package. */
export const ROUTE = Symbol.for('event-tracking:route');

/** Delivers an event behind a queue, where promises are awaited. */
export const DELIVER = Symbol.for('event-tracking:deliver');

/** Delivers an event, behind a queue, to a backend further down, past the processors on the way. */
export const DELIVER_AT = Symbol.for('event-tracking:deliver-at');

/** Gives an event that the node's processors have let pass to what comes next. */
export const PASS_ON = Symbol.for('event-tracking:pass-on');

/** Does so behind a queue. */
export const PASS_ON_LATER = Symbol.for('event-tracking:pass-on-later');

/** Tells a node that it stands behind a queue, where its destinations are delivered to again when they fail. */
export const BEHIND_QUEUE = Symbol.for('event-tracking:behind-queue');

/** Tells a part of the tree where it stands. */
export const ADOPT = Symbol.for('event-tracking:adopt');

/** What the tree shows at the part's place. */
export const SHOWN = Symbol.for('event-tracking:shown');

/** A backend that belongs to the tree itself: it knows its place, owns what it is given, and keeps account of it. */
export interface TreePart extends Backend {
  /**
   * @param size - the event's estimated size in bytes, where it is known
   */
  [ROUTE](event: TrackingEvent, size?: number): void;
  /** Resolves when the event has ended everywhere below, to where it is still to be delivered. */
  [DELIVER](event: TrackingEvent, options: ConsumeOptions): Promise<readonly QueuedEvent[]>;
  /** @param names - what leads there from here; where nothing is there any more, the answer is undefined */
  [DELIVER_AT]?(
    names: readonly string[],
    event: TrackingEvent,
    options: ConsumeOptions,
  ): Promise<readonly QueuedEvent[]> | undefined;
  [ADOPT](place: Place): void;
  /** @param delivering - what to call in the place of a destination */
  [BEHIND_QUEUE]?(delivering: (destination: Backend) => Backend): void;
  /** The backend that a path leads to: the part itself, or what it delivers to. */
  readonly [SHOWN]: Backend;
  /** The part's children by name, where it has some that paths can lead to. */
  readonly backends?: ReadonlyMap<string, Backend>;
  /** By path, the part's own first. */
  stats(): Record<string, EventStats>;
}

/** Where a part of the tree stands. */
export interface Place {
  readonly tracker: string;
  /** The names that lead there, joined by dots; empty for the root. */
  readonly path: string;
  readonly diagnostics: Diagnostics;
  /** Whether the tree is a tracker's, and so stands. */
  readonly stands: boolean;
}

/** Tells a part of the tree, of whichever copy of the package, from other backends. */
export function isTreePart(backend: unknown): backend is TreePart {
  return typeof backend === 'object' && backend !== null && ROUTE in backend;
}
