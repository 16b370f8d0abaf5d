import type { Backend, Deadline } from './backend.js';
import type { TrackingEvent } from '../event/event.js';
import type { MetadataRecord } from '../event-types/metadata-record.js';

/** An event in a queue, with the node where its delivery resumes. */
export interface QueuedEvent {
  /** The node that queued the event, or a backend below that node that has not received it yet. */
  readonly path: string;
  readonly event: TrackingEvent;
  /** How many attempts in a row failed for an unknown reason; they count against the limit of attempts. */
  readonly attempts?: number;
}

/** An event whose delivery has not ended, which returns to its queue. */
export interface UnacknowledgedEvent extends QueuedEvent {
  /**
   * Whether its destination holds up others and is to get it later, by its path; if not, closing left it undelivered.
   *
   * @default false
   */
  readonly isDeferred?: boolean;
}

/** How a queue wants its events to be consumed. */
export interface ConsumeOptions {
  /**
   * Whether the queue keeps events that closing left undelivered, so that they are not lost.
   *
   * @default false
   */
  keeps?: boolean;
  /**
   * Whether the queue hands over nothing more until events end. A queue that tells lets go of events that wait for one
   * destination while others are idle: it gets them back as deferred if it keeps them; if not, they wait at the destination,
   * within its bounds.
   *
   * @default a destination that is down holds up the queue
   */
  isFull?(): boolean;
}

/** The node's side of a queue: delivers the events that come out. */
export interface EventQueueConsumer {
  /** The node's position; known once the tree is attached. */
  position(): { tracker: string; path: string };
  /**
   * Delivers events to the node's children, through their processors.
   *
   * @returns the events whose delivery has not ended, once all others have; never rejects
   */
  consume(
    events: readonly QueuedEvent[],
    options?: ConsumeOptions,
  ): Promise<readonly UnacknowledgedEvent[]>;
  /** Registers a metadata record with the node's children; rejects if one refused it, which is reported. */
  register(record: MetadataRecord): Promise<void>;
}

/**
 * The queue's side of a node: accepts the node's events.
 *
 * @remarks
 * Flushing a producer waits for its events to be delivered; closing it also ends consumption. If it has `register`,
 * metadata records travel through the queue and come out before the events that refer to them; if not, the node's
 * children get them directly.
 */
export interface EventQueueProducer extends Backend {
  /**
   * Called when the tree is attached: events may be consumed from now on.
   *
   * @param role - whether this process consumes events that it shares with other processes; it always consumes its own
   */
  start?(role: { worker: boolean }): void;
}

/**
 * Holds the events of asynchronous nodes until they are processed and delivered, in this process or another.
 *
 * @remarks One queue may serve several nodes.
 */
export interface EventQueue {
  /**
   * Stores events that were given up behind the queue, unless their destination has a dead-letter backend of its own.
   *
   * @default they are dropped, counted and logged
   */
  readonly deadLetters?: Backend;
  /**
   * Whether its nodes share the room for events that are being delivered.
   *
   * @default each node has its own
   */
  readonly sharesRoom?: boolean;
  /** Opens the queue for a node. */
  open(consumer: EventQueueConsumer): EventQueueProducer;
  /** Rejects if the queue cannot be reached. */
  check?(options: Deadline): Promise<void>;
  /** Releases connections. */
  close?(options: Deadline): Promise<void>;
}

/** Whether a value can serve as a queue. */
export function isEventQueue(value: unknown): value is EventQueue {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as Partial<EventQueue>).open === 'function'
  );
}
