import type { Backend } from '../core/tree/backend.js';
import { attempt } from './attempt.js';
import { backoff } from './backoff.js';
import type { DeliverySettings } from './delivery-options.js';
import type { Failure, Verdict } from './failure.js';
import type { Pauses } from './pauses.js';
import type { WaitingEvent } from './waiting-events.js';

/** Where a {@link Courier} books what becomes of its events: each ends as delivered, filtered or given up. */
export interface Ledger {
  delivered(events: readonly WaitingEvent[]): void;
  filtered(events: readonly WaitingEvent[]): void;
  givenUp(events: readonly WaitingEvent[], why: GivenUp): void;
  retrying(events: readonly WaitingEvent[], why: Retrying): void;
}

/** Why events were given up. */
export interface GivenUp {
  readonly reason: 'rejected' | 'exhausted' | 'undelivered';
  readonly error: unknown;
  readonly attempts: number;
}

/** Why events are tried again, and when. */
export interface Retrying {
  readonly error: unknown;
  readonly attempts: number;
  /** In milliseconds. */
  readonly pause: number;
}

/** Carries batches to a destination, attempt by attempt, until each event is delivered or given up. */
export class Courier {
  constructor(
    private readonly destination: Backend,
    private readonly settings: DeliverySettings,
    private readonly pauses: Pauses,
    private readonly stopped: AbortSignal,
    private readonly ledger: Ledger,
  ) {}

  /** @param before - how often the events were tried in a larger batch */
  async carry(batch: readonly WaitingEvent[], before = 0): Promise<void> {
    const { ledger, stopped } = this;
    let rest = batch;
    let error: unknown;
    for (let attempts = 1; rest.length > 0; attempts++) {
      if (stopped.aborted) {
        ledger.givenUp(rest, { reason: 'undelivered', error, attempts: before + attempts - 1 });
        return;
      }
      const verdict = await this.#attempt(rest);
      if (isFailure(verdict)) {
        error = verdict.error;
        if (stopped.aborted) continue;
        if (verdict.prospect === 'hopeless' && rest.length > 1) {
          await this.#carryInHalves(rest, before + attempts);
          return;
        }
      }
      rest = await this.#goOn(rest, verdict, { attempts, before });
    }
  }

  /** A batch that is refused as a whole may hold a single event that is to blame: it is searched for by halving. */
  async #carryInHalves(batch: readonly WaitingEvent[], before: number): Promise<void> {
    const middle = Math.ceil(batch.length / 2);
    await this.carry(batch.slice(0, middle), before);
    await this.carry(batch.slice(middle), before);
  }

  async #attempt(batch: readonly WaitingEvent[]): Promise<Verdict | readonly Verdict[]> {
    const events = batch.map(({ event }) => event);
    return attempt(this.destination, events, {
      timeout: this.settings.timeout,
      stopped: this.stopped,
    });
  }

  /** Books what has ended, and returns, after a pause, what is to be tried again. */
  async #goOn(
    batch: readonly WaitingEvent[],
    verdict: Verdict | readonly Verdict[],
    { attempts, before }: { attempts: number; before: number },
  ): Promise<readonly WaitingEvent[]> {
    const { ledger, settings, pauses, stopped } = this;
    const sorted = this.#sort(batch, verdict, attempts);
    if (sorted.delivered.length > 0) ledger.delivered(sorted.delivered);
    if (sorted.filtered.length > 0) ledger.filtered(sorted.filtered);
    for (const [{ prospect, error }, events] of sorted.givenUp) {
      const reason = prospect === 'hopeless' ? 'rejected' : 'exhausted';
      ledger.givenUp(events, { reason, error, attempts: before + attempts });
    }
    const { failed, failure, retryAfterMs } = sorted;
    if (failed.length > 0 && !stopped.aborted) {
      const pause = backoff(attempts, settings.retry, retryAfterMs);
      ledger.retrying(failed, { error: failure?.error, attempts, pause });
      await pauses.pause(pause, { fixed: retryAfterMs > 0 });
    }
    return failed;
  }

  #sort(
    batch: readonly WaitingEvent[],
    verdict: Verdict | readonly Verdict[],
    attempts: number,
  ): SortedBatch {
    const sorted: SortedBatch = {
      delivered: [],
      filtered: [],
      givenUp: new Map(),
      failed: [],
      failure: undefined,
      retryAfterMs: 0,
    };
    batch.forEach((waiting, index) => {
      const of = isOne(verdict) ? verdict : verdict[index]!;
      if (!isFailure(of)) {
        sorted[of].push(waiting);
      } else if (attempts >= this.#attemptsFor(of)) {
        const sharers = sorted.givenUp.get(of);
        if (sharers === undefined) sorted.givenUp.set(of, [waiting]);
        else sharers.push(waiting);
      } else {
        sorted.failed.push(waiting);
        sorted.failure = of;
        sorted.retryAfterMs = Math.max(sorted.retryAfterMs, of.retryAfterMs || 0);
      }
    });
    return sorted;
  }

  #attemptsFor({ prospect }: Failure): number {
    if (prospect === 'hopeless') return 1;
    const { attemptsWhenPromising, attemptsWhenUnknown } = this.settings.retry;
    return prospect === 'promising' ? attemptsWhenPromising : attemptsWhenUnknown;
  }
}

interface SortedBatch {
  readonly delivered: WaitingEvent[];
  readonly filtered: WaitingEvent[];
  /** By what they failed of; events that failed in one call share that. */
  readonly givenUp: Map<Failure, WaitingEvent[]>;
  readonly failed: WaitingEvent[];
  failure: Failure | undefined;
  retryAfterMs: number;
}

function isOne(verdict: Verdict | readonly Verdict[]): verdict is Verdict {
  return !Array.isArray(verdict);
}

function isFailure(verdict: Verdict | readonly Verdict[]): verdict is Failure {
  return typeof verdict !== 'string' && isOne(verdict);
}
