import type { Backend } from '../core/tree/backend.js';
import { attempt } from './attempt.js';
import type { AttemptFailure, AttemptResult } from './attempt-result.js';
import { backoff } from './backoff.js';
import type { DeliverySettings, RetrySettings } from './delivery-options.js';
import type { MetadataRegistrar } from './metadata-registrar.js';
import type { RetryDelays } from './retry-delays.js';
import { recordFailure, type WaitingEvent } from './waiting-events.js';

/** Learns the end of each event of a batch: delivered, filtered or given up. */
export interface DeliveryListener {
  onDelivered(events: readonly WaitingEvent[]): void;
  onFiltered(events: readonly WaitingEvent[]): void;
  onGivenUp(events: readonly WaitingEvent[], why: GivenUp): void;
  onRetry(events: readonly WaitingEvent[], retry: Retry): void;
}

/** Why events were given up. */
export interface GivenUp {
  readonly reason: 'rejected' | 'exhausted' | 'undelivered';
  readonly error: unknown;
}

/** Why events are sent again, and when. */
export interface Retry {
  readonly error: unknown;
  /** Failures of this batch in a row. */
  readonly failures: number;
  /** In milliseconds. */
  readonly delay: number;
  /** The pause that the destination asked for, in milliseconds. */
  readonly retryAfterMs: number;
}

/** The collaborators of a {@link RetryingSender}. */
export interface RetryingSenderOptions {
  readonly destination: Backend;
  readonly settings: DeliverySettings;
  readonly delays: RetryDelays;
  /** Registers metadata records before the events that refer to them. */
  readonly registrar: MetadataRegistrar;
  /** Aborts when attempts must end. */
  readonly stopped: AbortSignal;
  readonly listener: DeliveryListener;
  /** Removes the events that return to their queue rather than wait for another attempt. */
  withoutDeferred(batch: readonly WaitingEvent[]): readonly WaitingEvent[];
}

/** Sends batches to a destination, attempt by attempt, until each event has been delivered or given up. */
export class RetryingSender {
  /** Failures in a row of events that returned to their queue, which forgets them. */
  #failuresOfDeferred = 0;
  #resumesAt = 0;

  constructor(private readonly options: RetryingSenderOptions) {}

  /** When the latest pause between attempts ends, by the monotonic clock in milliseconds. */
  get resumesAt(): number {
    return this.#resumesAt;
  }

  /** Ends all pauses between attempts. */
  cancelWaits(): void {
    this.#resumesAt = 0;
    this.options.delays.cancelWaits();
  }

  /** Never rejects. */
  async deliver(batch: readonly WaitingEvent[]): Promise<void> {
    const { registrar, stopped, listener } = this.options;
    if (!registrar.isDone) await registrar.register();
    let rest = batch;
    let error: unknown;
    for (let failures = this.#failuresOfDeferred + 1; rest.length > 0; failures++) {
      if (stopped.aborted) {
        listener.onGivenUp(rest, { reason: 'undelivered', error });
        return;
      }
      const result = await this.#attempt(rest);
      if (isFailure(result)) {
        error = result.error;
        if (stopped.aborted) continue;
        if (this.#mustIsolate(rest, result)) {
          await this.#deliverInHalves(rest, result);
          return;
        }
      }
      rest = await this.#settleAttempt(rest, result, failures);
    }
  }

  async #attempt(
    batch: readonly WaitingEvent[],
  ): Promise<AttemptResult | readonly AttemptResult[]> {
    const events = batch.map(({ event }) => event);
    const { timeout } = this.options.settings;
    return attempt(this.options.destination, events, { timeout, stopped: this.options.stopped });
  }

  #mustIsolate(batch: readonly WaitingEvent[], { retryability }: AttemptFailure): boolean {
    if (batch.length === 1) return false;
    if (retryability === 'permanent') return true;
    return retryability === 'unknown' && this.options.settings.retry.maxAttemptsUnknown > 1;
  }

  async #deliverInHalves(batch: readonly WaitingEvent[], failure: AttemptFailure): Promise<void> {
    for (const waiting of batch) recordFailure(waiting);
    if (failure.retryability === 'unknown' && !this.options.stopped.aborted) {
      // Deferred events would come back in one batch, and the event to blame would not be found.
      await this.options.delays.wait(this.#pause(batch, failure.error, 1, 0));
    }
    const middle = Math.ceil(batch.length / 2);
    await this.deliver(batch.slice(0, middle));
    await this.deliver(batch.slice(middle));
  }

  /** Reports the events that have ended; returns the others when it is time to send them again. */
  async #settleAttempt(
    batch: readonly WaitingEvent[],
    result: AttemptResult | readonly AttemptResult[],
    failures: number,
  ): Promise<readonly WaitingEvent[]> {
    const { listener } = this.options;
    const { delivered, filtered, givenUp, retried, failure, retryAfterMs } = this.#partition(
      batch,
      result,
    );
    if (failure === undefined) this.#failuresOfDeferred = 0;
    if (delivered.length > 0) listener.onDelivered(delivered);
    if (filtered.length > 0) listener.onFiltered(filtered);
    for (const [{ retryability, error }, events] of givenUp) {
      const reason = retryability === 'permanent' ? 'rejected' : 'exhausted';
      listener.onGivenUp(events, { reason, error });
    }
    if (failure === undefined) return retried;
    return this.#waitBeforeRetry(retried, failure, failures, retryAfterMs);
  }

  /** Returns the events that have not returned to their queue when it is time to send them again. */
  async #waitBeforeRetry(
    events: readonly WaitingEvent[],
    { error }: AttemptFailure,
    failures: number,
    retryAfterMs: number,
  ): Promise<readonly WaitingEvent[]> {
    if (this.options.stopped.aborted) return events;
    const delay = this.#pause(events, error, failures, retryAfterMs);
    let rest = this.options.withoutDeferred(events);
    if (rest.length > 0) {
      await this.options.delays.wait(delay);
      rest = this.options.withoutDeferred(rest);
    }
    if (rest.length < events.length) this.#failuresOfDeferred = failures;
    return rest;
  }

  #pause(
    events: readonly WaitingEvent[],
    error: unknown,
    failures: number,
    retryAfterMs: number,
  ): number {
    const { retry } = this.options.settings;
    const delay = Math.min(backoff(failures, retry, retryAfterMs), timeLeft(events, retry));
    this.options.listener.onRetry(events, { error, failures, delay, retryAfterMs });
    this.#resumesAt = Math.max(this.#resumesAt, performance.now() + delay);
    return delay;
  }

  #partition(
    batch: readonly WaitingEvent[],
    results: AttemptResult | readonly AttemptResult[],
  ): PartitionedBatch {
    const { retry } = this.options.settings;
    const parts: PartitionedBatch = {
      delivered: [],
      filtered: [],
      givenUp: new Map(),
      retried: [],
      failure: undefined,
      retryAfterMs: 0,
    };
    batch.forEach((waiting, index) => {
      const result = isSingleResult(results) ? results : results[index]!;
      if (!isFailure(result)) {
        parts[result].push(waiting);
        return;
      }
      recordFailure(waiting, result.retryability);
      if (isExhausted(waiting, result, retry)) {
        const sharers = parts.givenUp.get(result);
        if (sharers === undefined) parts.givenUp.set(result, [waiting]);
        else sharers.push(waiting);
      } else {
        parts.retried.push(waiting);
        parts.failure = result;
        parts.retryAfterMs = Math.max(parts.retryAfterMs, result.retryAfterMs || 0);
      }
    });
    return parts;
  }
}

/** Whether the failures of one kind in a row have reached their limit, or the event its greatest age. */
function isExhausted(
  waiting: WaitingEvent,
  { retryability }: AttemptFailure,
  retry: RetrySettings,
): boolean {
  if (retryability === 'permanent') return true;
  if (waiting.isDeadLetter === true) return false;
  const { maxAttemptsRetryable, maxAttemptsUnknown, maxAge } = retry;
  const limit = retryability === 'retryable' ? maxAttemptsRetryable : maxAttemptsUnknown;
  if (waiting.failures!.inARow >= limit) return true;
  return maxAge !== Infinity && performance.now() - waiting.arrivedAt >= maxAge;
}

/** Until the oldest event has reached the age at which it is given up, in milliseconds. */
function timeLeft(events: readonly WaitingEvent[], { maxAge }: RetrySettings): number {
  if (maxAge === Infinity) return Infinity;
  const arrivals = events
    .filter((each) => each.isDeadLetter !== true)
    .map((each) => each.arrivedAt);
  if (arrivals.length === 0) return Infinity;
  return Math.max(0, Math.min(...arrivals) + maxAge - performance.now());
}

interface PartitionedBatch {
  readonly delivered: WaitingEvent[];
  readonly filtered: WaitingEvent[];
  /** By failure, which the events of one call share. */
  readonly givenUp: Map<AttemptFailure, WaitingEvent[]>;
  readonly retried: WaitingEvent[];
  failure: AttemptFailure | undefined;
  retryAfterMs: number;
}

function isSingleResult(result: AttemptResult | readonly AttemptResult[]): result is AttemptResult {
  return !Array.isArray(result);
}

function isFailure(result: AttemptResult | readonly AttemptResult[]): result is AttemptFailure {
  return typeof result !== 'string' && isSingleResult(result);
}
