import { toJson } from '../core/event/json.js';
import { randomUUID } from 'node:crypto';
import type { Outcome } from '../core/tree/backend.js';
import { estimateEventSize } from '../core/event/event-size.js';
import type { TrackingEvent } from '../core/event/event.js';
import { packEvent } from '../core/tree/packed-event.js';

/** JSON takes up to six bytes for a character of a string, and fewer for the overhead that an estimate includes. */
const MOST_BYTES_PER_ESTIMATED = 6;

/** How much one job holds at most; the bound that is reached first ends the job. */
export interface JobBounds {
  events: number;
  /** Of JSON; a single larger event has a job of its own. */
  bytes: number;
}

export interface Chunk {
  /** Repeated by each attempt, so that a job whose acknowledgement was lost is not added twice. */
  readonly id: string;
  readonly events: readonly TrackingEvent[];
  /** The attempt that Redis accepted or has not answered yet. */
  added?: Promise<readonly Outcome[]>;
}

/** Divides batches into chunks, and finds the chunks of earlier attempts again. */
export class JobChunks {
  readonly #byFirstEvent = new WeakMap<TrackingEvent, Chunk>();

  constructor(private readonly bounds: JobBounds) {}

  divide(events: readonly TrackingEvent[]): Chunk[] {
    const chunks: Chunk[] = [];
    let fresh: TrackingEvent[] = [];
    for (let index = 0; index < events.length;) {
      const known = this.#knownAt(events, index);
      if (known === undefined) {
        fresh.push(events[index]!);
        index++;
      } else {
        chunks.push(...this.#cut(fresh), known);
        fresh = [];
        index += known.events.length;
      }
    }
    return [...chunks, ...this.#cut(fresh)];
  }

  /** Divides a chunk that is too large for one job. */
  halve(chunk: Chunk): [Chunk, Chunk] {
    this.forget(chunk);
    const middle = Math.ceil(chunk.events.length / 2);
    return [this.#create(chunk.events.slice(0, middle)), this.#create(chunk.events.slice(middle))];
  }

  forget({ events }: Chunk): void {
    this.#byFirstEvent.delete(events[0]!);
  }

  #knownAt(events: readonly TrackingEvent[], start: number): Chunk | undefined {
    const known = this.#byFirstEvent.get(events[start]!);
    return known?.events.every((event, index) => event === events[start + index]) === true
      ? known
      : undefined;
  }

  #create(events: readonly TrackingEvent[]): Chunk {
    const chunk: Chunk = { id: `${randomUUID()}.${events.length}`, events };
    this.#byFirstEvent.set(events[0]!, chunk);
    return chunk;
  }

  #cut(events: readonly TrackingEvent[]): Chunk[] {
    const chunks: TrackingEvent[][] = [];
    let bytes = 0;
    for (const event of events) {
      const size = this.#sizeOf(event);
      const chunk = chunks.at(-1);
      const isFull = chunk?.length === this.bounds.events || bytes + size > this.bounds.bytes;
      if (chunk === undefined || isFull) {
        chunks.push([event]);
        bytes = size;
      } else {
        chunk.push(event);
        bytes += size;
      }
    }
    return chunks.map((chunk) => this.#create(chunk));
  }

  /** Measures only events that may matter: their JSON costs as much as the rest of the work. */
  #sizeOf(event: TrackingEvent): number {
    const most = estimateEventSize(event) * MOST_BYTES_PER_ESTIMATED;
    if (most * this.bounds.events <= this.bounds.bytes) return most;
    return Buffer.byteLength(toJson(packEvent(event)));
  }
}
