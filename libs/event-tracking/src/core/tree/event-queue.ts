import type { Backend, Deadline } from './backend.js';
import type { TrackingEvent } from '../event/event.js';
import type { MetadataRecord } from '../event-types/metadata-record.js';

/** An event in a queue, with the place in its tracker's tree where its way goes on. */
export interface QueuedEvent {
  /** The node that queued it, or a backend below that node where it is still to be delivered. */
  readonly path: string;
  readonly event: TrackingEvent;
}

/** What a queue does with events that closing left undelivered. */
export interface ConsumeOptions {
  /**
   * Whether it takes them back, so that they are no loss.
   *
   * @default false
   */
  keeps?: boolean;
}

/** What a queue is told of the node that it serves. */
export interface EventQueueConsumer {
  /** Where the node stands; known when the tree stands. */
  position(): { tracker: string; path: string };
  /**
   * Takes events to the node's children: through their processors, to their destinations.
   *
   * @returns when all have ended, what closing left undelivered; never rejects
   */
  consume(
    events: readonly QueuedEvent[],
    options?: ConsumeOptions,
  ): Promise<readonly QueuedEvent[]>;
  /** Takes a metadata record to the node's children; rejects when one of them has not taken it, which is reported. */
  register(record: MetadataRecord): Promise<void>;
}

/**
 * What a node sends its events to.
 *
 * @remarks
 * Flushing it waits for what was sent, closing it ends consumption too. Where it has `register`, metadata records go that
 * way too, and come out before the events that refer to them; where it has not, the node's children get them at once.
 */
export interface EventQueueProducer extends Backend {
  /**
   * Called when the tree stands: from now on events may be taken out of the queue.
   *
   * @param role - whether this process is to do the work that it shares with others; what is its own alone it does anyway
   */
  start?(role: { worker: boolean }): void;
}

/**
 * Where an async routing node hands events over, to be processed and delivered later, here or in another process.
 *
 * @remarks One queue may serve several nodes.
 */
export interface EventQueue {
  /**
   * Keeps what is given up behind the queue, where a destination names no place for its dead letters.
   *
   * @default it is dropped, counted and logged
   */
  readonly deadLetters?: Backend;
  /** Opens the queue for a node. */
  open(line: EventQueueConsumer): EventQueueProducer;
  /** Rejects when the queue cannot be reached. */
  check?(options: Deadline): Promise<void>;
  /** Lets go of connections. */
  close?(options: Deadline): Promise<void>;
}

/** Tells whether a value can serve as a queue. */
export function isEventQueue(value: unknown): value is EventQueue {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as Partial<EventQueue>).open === 'function'
  );
}
