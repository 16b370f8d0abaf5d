import { Analytics, type AnalyticsSettings } from '@segment/analytics-node';
import type { Backend, Deadline, Outcome } from '../core/tree/backend.js';
import { describeValue } from '../core/diagnostics/describe.js';
import { ImproperlyConfigured, PermanentDeliveryError } from '../core/diagnostics/errors.js';
import { isPlainObject, type TrackingEvent } from '../core/event/event.js';
import { copyOf } from '../core/event/snapshot.js';
import { untilAborted } from '../core/tree/until-aborted.js';
import {
  CLOSED,
  JudgingHttpClient,
  judgeFailure,
  judgeTracked,
  mayBlameOne,
  UNWRITABLE,
} from './segment-failure.js';
import { OpenBatch, OpenMessages } from './open-messages.js';
import { toMessage, type AnonymousId } from './segment-message.js';

/** What a {@link SegmentBackend} is made of: a client, or what one is created from. */
export interface SegmentBackendOptions extends Partial<
  Omit<AnalyticsSettings, 'httpClient' | 'maxRetries' | 'flushAt' | 'maxEventsInBatch'>
> {
  /**
   * The client to send with; it stays open when the backend is closed.
   *
   * @default one of the backend's own, for `writeKey`
   */
  client?: Analytics;
  /**
   * Names who an event without `context.user_id` belongs to.
   *
   * @default such events are dropped and counted
   */
  anonymousId?: AnonymousId;
}

/** What a client of the backend's own sends at once; Segment takes 500 KB. */
const BATCH_SIZE = 100;
/** Batches are sent off at once; this is at most for what is left of one that did not fill as expected. */
const FLUSH_INTERVAL_MS = 100;

/**
 * Sends events to Segment as `track` calls.
 *
 * @remarks
 * - The user is `context.user_id`; the whole event goes as properties; `ip`, `agent`, `client_id`, `path`, `page`,
 *   `host` and `referrer` of the context go where Segment looks for them.
 * - The event's id is the `messageId`, by which Segment recognises what is sent twice, its time the `timestamp`.
 * - A client of the backend's own does not retry: delivery does, and counts. `identify` stays the application's.
 */
export class SegmentBackend implements Backend {
  readonly #client: Analytics;
  readonly #ownsClient: boolean;
  readonly #anonymousId: AnonymousId | undefined;
  readonly #open = new OpenMessages();
  #flushing: Promise<void> = Promise.resolve();

  /** @throws {@link ImproperlyConfigured} without a client and a write key */
  constructor(options: SegmentBackendOptions) {
    checkSegmentOptions(options, 'SegmentBackend');
    const { client, anonymousId, writeKey, ...settings } = options;
    this.#anonymousId = anonymousId;
    this.#ownsClient = client === undefined;
    this.#client = client ?? createClient(writeKey, settings);
    this.#client.on('track', (context) => this.#settle(context.event, judgeTracked(context)));
    this.#client.on('error', ({ reason, ctx }) => this.#settle(ctx?.event, judgeFailure(reason)));
    this.#client.on('call_after_close', (message) => this.#settle(message, CLOSED));
  }

  /** What events are sent with. */
  get client(): Analytics {
    return this.#client;
  }

  async send(event: TrackingEvent): Promise<void> {
    const [outcome] = await this.sendBatch([event]);
    if (outcome?.ok === false) throw outcome.error;
  }

  async sendBatch(
    events: readonly TrackingEvent[],
    { signal }: { signal?: AbortSignal } = {},
  ): Promise<readonly Outcome[]> {
    if (events.length === 0) return [];
    // The client of others fills its batches as it likes: only a flush sends off the last, and flushes cannot overlap.
    if (!this.#ownsClient) await this.#flushing;
    signal?.throwIfAborted();
    const outcomes = await this.#track(events, signal);
    await this.#trackReadable(events, outcomes, signal);
    const failures = outcomes.filter((outcome) => !outcome.ok);
    const [first] = failures;
    if (first !== undefined && failures.length === events.length && failures.every(mayBlameOne)) {
      throw new PermanentDeliveryError((first.error as Error).message, { cause: first.error });
    }
    return outcomes;
  }

  /** Resolves when the client has sent what it was handed and somebody waits for. */
  async flush({ signal }: Deadline = {}): Promise<void> {
    if (!this.#open.isEmpty) await untilAborted(this.#flushClient(), signal);
  }

  /** Flushes, and closes the client if it is the backend's own. */
  async close({ signal }: Deadline = {}): Promise<void> {
    await this.flush({ signal });
    if (!this.#ownsClient) return;
    // What is still under way then was given up: it is not waited for.
    const closed = this.#flushing.then(() => this.#client.closeAndFlush({ timeout: 1 }));
    await untilAborted(closed, signal);
  }

  #track(events: readonly TrackingEvent[], signal?: AbortSignal): Promise<Outcome[]> {
    const batch = new OpenBatch(events.map(({ id }) => id));
    this.#open.add(batch); // a client that has been closed says so at once
    for (const [place, event] of events.entries()) {
      const refusal = this.#trackOne(event);
      if (refusal !== undefined) batch.end(place, refusal);
    }
    if (!batch.isOpen) this.#open.forget(batch);
    signal?.addEventListener('abort', () => this.#open.forget(batch), { once: true });
    // A client of its own sends off full batches by itself.
    if (!this.#ownsClient || events.length % BATCH_SIZE !== 0) void this.#flushClient();
    return batch.outcomes;
  }

  /** Hands one event to the client; says why when there is nothing to hand over, or the client refuses it. */
  #trackOne(event: TrackingEvent): Outcome | undefined {
    try {
      const message = toMessage(event, this.#anonymousId);
      if (message === undefined) return NOBODY;
      this.#client.track(message);
      return undefined;
    } catch (error) {
      return { ok: false, error, retryable: false };
    }
  }

  /** What a processor added and JSON cannot say, the client does not send: it is given a copy in which that is readable. */
  async #trackReadable(
    events: readonly TrackingEvent[],
    outcomes: Outcome[],
    signal?: AbortSignal,
  ): Promise<void> {
    const places = [...outcomes.keys()].filter((place) => outcomes[place] === UNWRITABLE);
    if (places.length === 0) return;
    const again = await this.#track(
      places.map((place) => copyOf(events[place]!)),
      signal,
    );
    for (const [index, place] of places.entries()) outcomes[place] = again[index]!;
  }

  #settle(message: { messageId?: string } | undefined, outcome: Outcome): void {
    const id = message?.messageId;
    if (id !== undefined) this.#open.end(id, outcome);
  }

  /** The client warns on the console when it is flushed while it is being flushed. */
  async #flushClient(): Promise<void> {
    const flushed = this.#flushing.then(() => this.#client.flush());
    this.#flushing = flushed.catch(() => {}); // what became of the messages they say themselves
    await this.#flushing;
  }
}

const NOBODY: Outcome = {
  ok: false,
  error: new Error('the event has no context.user_id, and no anonymousId is configured'),
  retryable: false,
};

/** Keys that are not the backend's own are the client's, and the client knows them. */
export function checkSegmentOptions(options: unknown, where: string): void {
  if (isPlainObject(options)) return;
  throw new ImproperlyConfigured(
    `${where}: expected an object such as { writeKey }, received ${describeValue(options)}.`,
  );
}

function createClient(
  writeKey: unknown,
  settings: Omit<Partial<AnalyticsSettings>, 'writeKey'>,
): Analytics {
  if (typeof writeKey !== 'string' || writeKey === '') {
    throw new ImproperlyConfigured(
      `SegmentBackend: expected the write key of a Segment source, received ${describeValue(writeKey)}. Pass ` +
        `{ writeKey }, or a client of your own as { client }.`,
    );
  }
  return new Analytics({
    ...settings,
    flushInterval: Math.min(settings.flushInterval ?? FLUSH_INTERVAL_MS, FLUSH_INTERVAL_MS),
    writeKey,
    flushAt: BATCH_SIZE,
    maxRetries: 0,
    httpClient: new JudgingHttpClient(),
  });
}
