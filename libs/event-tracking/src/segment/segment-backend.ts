import { Analytics, type AnalyticsSettings, type Context } from '@segment/analytics-node';
import type { Backend, Deadline, Outcome } from '../core/tree/backend.js';
import { describeSecret } from '../core/diagnostics/describe.js';
import { ImproperlyConfigured, PermanentDeliveryError } from '../core/diagnostics/errors.js';
import { isPlainObject, type TrackingEvent } from '../core/event/event.js';
import { copyOf } from '../core/event/snapshot.js';
import { untilAborted } from '../core/tree/until-aborted.js';
import {
  CLOSED,
  classifyFailure,
  mayConcernOneMessage,
  outcomeOf,
  StrictHttpClient,
  UNWRITABLE,
} from './segment-failure.js';
import { OpenBatch, OpenMessages } from './open-messages.js';
import { toMessage, type AnonymousId } from './segment-message.js';

/** The options of a {@link SegmentBackend}: a client, or the settings to create one. */
export interface SegmentBackendOptions extends Partial<
  Omit<AnalyticsSettings, 'httpClient' | 'maxRetries' | 'flushAt' | 'maxEventsInBatch'>
> {
  /**
   * The client to send with. The backend does not close it.
   *
   * @default a client of the backend's own, for `writeKey`
   */
  client?: Analytics;
  /**
   * Returns the anonymous id of an event without `context.user_id`.
   *
   * @default such events are rejected and counted
   */
  anonymousId?: AnonymousId;
}

/** How many messages a client of the backend's own sends at once; Segment accepts 500 KB. */
const BATCH_SIZE = 100;
/** Sends the rest of a batch that did not fill as expected; full batches are sent at once. */
const FLUSH_INTERVAL_MS = 100;

/**
 * Sends events to Segment as `track` calls.
 *
 * @remarks
 * - The user is `context.user_id`; the whole event goes as properties; `ip`, `agent`, `client_id`, `path`, `page`,
 *   `host` and `referrer` of the context go where Segment expects them.
 * - The event's id is the `messageId`, by which Segment recognises duplicates; its time is the `timestamp`.
 * - A client of the backend's own does not retry: delivery does, and counts. The application calls `identify`.
 */
export class SegmentBackend implements Backend {
  readonly #client: Analytics;
  readonly #ownsClient: boolean;
  readonly #anonymousId: AnonymousId | undefined;
  readonly #open = new OpenMessages();
  /** The key of the message that the client has accepted last. */
  #started: string | undefined;
  #flushing: Promise<void> = Promise.resolve();

  /** @throws {@link ImproperlyConfigured} without a client or a write key */
  constructor(options: SegmentBackendOptions) {
    checkSegmentOptions(options, 'SegmentBackend');
    const { client, anonymousId, writeKey, ...settings } = options;
    this.#anonymousId = anonymousId;
    this.#ownsClient = client === undefined;
    this.#client = client ?? createClient(writeKey, settings);
    // The client announces each message from within `track`.
    (this.#client as AnnouncingClient).on('dispatch_start', ({ id }) => (this.#started = id));
    this.#client.on('track', (context) => this.#open.settle(context.id, outcomeOf(context)));
    this.#client.on('error', ({ reason, ctx }) => {
      if (ctx !== undefined) this.#open.settle(ctx.id, classifyFailure(reason));
    });
  }

  /** The client that sends the events. */
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
    // A client of the application fills its batches as it likes. Only a flush sends the last one, and flushes cannot overlap.
    if (!this.#ownsClient) await this.#flushing;
    signal?.throwIfAborted();
    const outcomes = await this.#track(events, signal);
    await this.#trackReadable(events, outcomes, signal);
    const failures = outcomes.filter((outcome) => !outcome.ok);
    const [first] = failures;
    if (
      first !== undefined &&
      failures.length === events.length &&
      failures.every(mayConcernOneMessage)
    ) {
      throw new PermanentDeliveryError((first.error as Error).message, { cause: first.error });
    }
    return outcomes;
  }

  /** Resolves when the client has sent the messages that somebody waits for. */
  async flush({ signal }: Deadline = {}): Promise<void> {
    if (!this.#open.isEmpty) await untilAborted(this.#flushClient(), signal);
  }

  /** Flushes, and closes a client of the backend's own. */
  async close({ signal }: Deadline = {}): Promise<void> {
    await this.flush({ signal });
    if (!this.#ownsClient) return;
    // Messages that are still under way have been given up.
    const closed = this.#flushing.then(() => this.#client.closeAndFlush({ timeout: 1 }));
    await untilAborted(closed, signal);
  }

  #track(events: readonly TrackingEvent[], signal?: AbortSignal): Promise<Outcome[]> {
    const batch = new OpenBatch(events.length);
    const keys: string[] = [];
    for (const [index, event] of events.entries()) {
      const started = this.#trackOne(event);
      if (typeof started === 'string') {
        keys.push(started);
        this.#open.add(started, batch, index);
      } else {
        batch.settle(index, started);
      }
    }
    signal?.addEventListener('abort', () => this.#open.forget(keys), { once: true });
    // A client of the backend's own sends full batches by itself.
    if (!this.#ownsClient || events.length % BATCH_SIZE !== 0) void this.#flushClient();
    return batch.outcomes;
  }

  /** Hands one event to the client; returns the key of the message, or why there is none. */
  #trackOne(event: TrackingEvent): string | Outcome {
    try {
      const message = toMessage(event, this.#anonymousId);
      if (message === undefined) return NOBODY;
      this.#started = undefined;
      this.#client.track(message);
      return this.#started ?? CLOSED;
    } catch (error) {
      return { ok: false, error, retryable: false };
    }
  }

  /** Sends readable copies of events that the client could not write as JSON. */
  async #trackReadable(
    events: readonly TrackingEvent[],
    outcomes: Outcome[],
    signal?: AbortSignal,
  ): Promise<void> {
    const indexes = [...outcomes.keys()].filter((index) => outcomes[index] === UNWRITABLE);
    if (indexes.length === 0) return;
    const copies = indexes.map((index) => copyOf(events[index]!));
    const again = await this.#track(copies, signal);
    for (const [position, index] of indexes.entries()) outcomes[index] = again[position]!;
  }

  /** Flushes one after the other: the client warns on the console when flushes overlap. */
  async #flushClient(): Promise<void> {
    const flushed = this.#flushing.then(() => this.#client.flush());
    this.#flushing = flushed.catch(() => {}); // each message reports its own end
    await this.#flushing;
  }
}

/** The client's types omit this event. */
interface AnnouncingClient {
  on(event: 'dispatch_start', listener: (context: Context) => void): unknown;
}

const NOBODY: Outcome = {
  ok: false,
  error: new Error('the event has no context.user_id, and no anonymousId is configured'),
  retryable: false,
};

/** Checks nothing but the kind of value: the client checks its own settings. */
export function checkSegmentOptions(options: unknown, where: string): void {
  if (isPlainObject(options)) return;
  throw new ImproperlyConfigured(
    `${where}: options must be an object such as { writeKey }; received ${describeSecret(options)}.`,
  );
}

function createClient(
  writeKey: unknown,
  settings: Omit<Partial<AnalyticsSettings>, 'writeKey'>,
): Analytics {
  if (typeof writeKey !== 'string' || writeKey === '') {
    throw new ImproperlyConfigured(
      `SegmentBackend: writeKey must be the write key of a Segment source; received ${describeSecret(writeKey)}. Pass ` +
        `{ writeKey }, or a client of your own as { client }.`,
    );
  }
  return new Analytics({
    ...settings,
    flushInterval: Math.min(settings.flushInterval ?? FLUSH_INTERVAL_MS, FLUSH_INTERVAL_MS),
    writeKey,
    flushAt: BATCH_SIZE,
    maxRetries: 0,
    httpClient: new StrictHttpClient(),
  });
}
