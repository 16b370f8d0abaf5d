import type { Backend } from '../core/tree/backend.js';
import type { TrackingEvent } from '../core/event/event.js';
import { copyOf } from '../core/event/snapshot.js';
import type { BackendContractSubject } from './backend-contract-subject.js';
import { formatEvent } from './event-list.js';
import { expectSame } from './expect-same.js';
import { liveSignal, Harness } from './harness.js';
import { writeValue } from './write-value.js';

/** Sends that may still be pending. */
export interface PendingSends {
  /** Resolves when all sends have settled; rejects if one fails. */
  readonly sends: Promise<void>;
}

/** Creates backends for one contract case, sends events to them and inspects the stored events. */
export class BackendHarness extends Harness {
  readonly #backends: Backend[] = [];
  #outage = false;

  constructor(private readonly subject: BackendContractSubject) {
    super(subject.timeout);
  }

  /** Creates a backend that is closed at the end of the case. */
  async create(): Promise<Backend> {
    const backend = await this.subject.create();
    this.#backends.push(backend);
    return backend;
  }

  /** Sends copies of events at the same time, as a tracker does, and flushes the backend. */
  async deliver(backend: Backend, events: readonly TrackingEvent[]): Promise<void> {
    await this.send(backend, copyOf(events));
    await this.flush(backend);
  }

  /** Sends the event objects themselves and flushes the backend. */
  async send(backend: Backend, events: readonly TrackingEvent[]): Promise<void> {
    await this.within('send(event)', async () => {
      const sends = events.map(async (event) => backend.send(event));
      // The flush comes with the sends, because some sends settle only when their batch is delivered.
      await Promise.all([...sends, backend.flush?.(liveSignal())]);
    });
  }

  /**
   * Sends the event objects themselves without a flush.
   *
   * @returns the sends, once they have settled or turn out to wait for a flush
   */
  async sendWithoutFlush(
    backend: Backend,
    events: readonly TrackingEvent[],
  ): Promise<PendingSends> {
    const sends = this.within('send(event)', async () => {
      await Promise.all(events.map(async (event) => backend.send(event)));
    });
    let timer: ReturnType<typeof setTimeout> | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.timeout / 2);
    });
    await Promise.race([sends, patience]).finally(() => clearTimeout(timer));
    return { sends };
  }

  /** Makes the backend deliver all events sent before. */
  async flush(backend: Backend): Promise<void> {
    await this.within('flush()', async () => backend.flush?.(liveSignal()));
  }

  /** Sends a batch, or single events if there is no `sendBatch`; resolves to the reported outcomes. */
  async sendBatch(backend: Backend, events: readonly TrackingEvent[]): Promise<unknown> {
    if (backend.sendBatch === undefined) {
      await this.send(backend, events);
      return undefined;
    }
    return this.within('sendBatch(events)', async () => backend.sendBatch?.(events, liveSignal()));
  }

  /** Returns the stored copies of events, in the order of their storage. */
  async storedOf(events: readonly TrackingEvent[]): Promise<TrackingEvent[]> {
    const ids = new Set(events.map(({ id }) => id));
    return (await this.subject.stored()).filter(({ id }) => ids.has(id));
  }

  /** Rejects unless each event is stored exactly as sent, and exactly once by default. */
  async expectStored(
    events: readonly TrackingEvent[],
    { atLeastOnce = false }: { atLeastOnce?: boolean } = {},
  ): Promise<void> {
    const stored = await this.storedOf(events);
    for (const event of events) {
      const found = stored.filter(({ id }) => id === event.id);
      if (found.length !== 1 && !(atLeastOnce && found.length > 1)) {
        throw new Error(
          `The event ${formatEvent(event, writeValue)} was sent but ` +
            `${found.length === 0 ? 'not stored' : `stored ${found.length} times (expected once)`}.`,
        );
      }
      expectSame(found[0]!, event, 'was not stored as sent');
    }
  }

  /** Makes the destination unreachable during an action. */
  async duringOutage<T>(action: () => Promise<T>): Promise<T> {
    this.#outage = true;
    await this.subject.outage?.begin();
    const result = await action();
    await this.subject.outage?.end();
    this.#outage = false;
    return result;
  }

  /** Closes everything that the case created. */
  async tearDown(): Promise<void> {
    try {
      if (this.#outage) await this.subject.outage?.end();
      await Promise.all(this.#backends.map((backend) => this.close(backend)));
    } finally {
      await this.subject.cleanUp?.();
    }
  }

  /** Closes a backend, which may be closed already. */
  async close(backend: Backend): Promise<void> {
    await this.within('close()', async () => backend.close?.(liveSignal()));
  }
}
