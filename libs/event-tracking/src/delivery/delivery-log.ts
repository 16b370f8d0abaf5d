import type { MetadataRecord } from '../core/event-types/metadata-record.js';
import { describeError } from '../core/diagnostics/describe.js';
import { nameOf } from '../core/event/event.js';
import type { Position } from '../core/tree/tree-node.js';
import type { DeliveryBudget } from './delivery-budget.js';
import type { DeliverySettings } from './delivery-options.js';
import type { GivenUp, Retry } from './retrying-sender.js';
import type { WaitingEvent } from './waiting-events.js';

/** Logs failures of delivery to one destination. */
export class DeliveryLog {
  constructor(
    private readonly position: () => Position,
    private readonly settings: DeliverySettings,
  ) {}

  retry(events: readonly WaitingEvent[], { error, failures, delay, retryAfterMs }: Retry): void {
    const { diagnostics, path } = this.position();
    const asked =
      retryAfterMs > this.settings.retry.maxRetryAfter
        ? ` (the destination asked for ${retryAfterMs} ms; the limit is maxRetryAfter)`
        : '';
    diagnostics.warn(
      `deliveries to ${path}`,
      `Unable to deliver ${countOf(events.length)} to the backend '${path}' (attempt ${failures}): ` +
        `${describeError(error)}. The next attempt is in ${Math.round(delay)} ms${asked}.`,
    );
  }

  givenUp(events: readonly WaitingEvent[], { reason, error }: GivenUp, isKept: boolean): void {
    const attempts = Math.max(...events.map(({ failures }) => failures?.total ?? 0));
    const why = reason === 'rejected' ? 'the destination rejected' : 'every attempt failed for';
    const end = isKept ? 'Stored as dead letters once their destination acknowledges.' : 'Dropped.';
    this.#error(
      `${subjectOf(events)} could not be delivered to the backend '${this.position().path}': ${why} ` +
        `${events.length === 1 ? 'it' : 'them'} (attempts: ${attempts}): ${describeError(error)}. ${end}`,
    );
  }

  undelivered(events: readonly WaitingEvent[]): void {
    this.#error(
      `${subjectOf(events)} could not be delivered to the backend '${this.position().path}' before the time for closing was ` +
        `over. Allow more time (shutdownTimeout), or use a durable queue.`,
    );
  }

  letterLost(events: readonly WaitingEvent[]): void {
    this.#error(
      `${subjectOf(events)} for the backend '${this.position().path}' could not be stored as a dead letter. Dropped.`,
    );
  }

  unregistered({ kind, name, id }: MetadataRecord, error: string): void {
    const { diagnostics, path } = this.position();
    diagnostics.error(
      `register ${path}`,
      `Unable to register the ${kind} type '${name}' (${id}) with the backend '${path}': ${error}. ` +
        `The next events try again.`,
    );
  }

  overflow(count: number, budget: DeliveryBudget): void {
    const { diagnostics, path } = this.position();
    const { capacity, maxBytes } = this.settings;
    diagnostics.error(
      `overflow before ${path}`,
      `${countOf(count)} dropped before the backend '${path}', because too many are on their way: ` +
        `${budget.count} of ${capacity} (capacity), about ${budget.bytes} of ${maxBytes} bytes (maxBytes).`,
    );
  }

  #error(text: string): void {
    const { diagnostics, path } = this.position();
    diagnostics.error(`events given up for ${path}`, text);
  }
}

function subjectOf(events: readonly WaitingEvent[]): string {
  return events.length === 1 ? `The event '${nameOf(events[0]!.event)}'` : countOf(events.length);
}

function countOf(count: number): string {
  return `${count} ${count === 1 ? 'event' : 'events'}`;
}
