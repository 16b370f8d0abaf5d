import type { Backend } from '../core/tree/backend.js';
import type { TrackingEvent } from '../core/event/event.js';
import { copyOf } from '../core/event/snapshot.js';
import type { BackendContractSubject } from './backend-contract-subject.js';
import { describeEvent } from './event-list.js';
import { expectSame } from './expect-same.js';
import { liveSignal, Patience } from './patience.js';
import { writeValue } from './write-value.js';

/** Events that a backend has taken over. */
export interface HandedOver {
  /** Resolves when all sends have settled; rejects when one failed. */
  readonly sends: Promise<void>;
}

/** Where a case of a contract is tried: makes backends, sends to them and looks at what is stored. */
export class ContractHarness extends Patience {
  readonly #backends: Backend[] = [];
  #outage = false;

  constructor(private readonly subject: BackendContractSubject) {
    super(subject.timeout);
  }

  /** Makes a backend, which is closed when the case is over. */
  async create(): Promise<Backend> {
    const backend = await this.subject.create();
    this.#backends.push(backend);
    return backend;
  }

  /** Sends events as a tracker does, none waiting for another, and has the backend deliver them. */
  async deliver(backend: Backend, events: readonly TrackingEvent[]): Promise<void> {
    await this.send(backend, copyOf(events));
    await this.flush(backend);
  }

  /** Sends these very events. */
  async send(backend: Backend, events: readonly TrackingEvent[]): Promise<void> {
    await this.within('send(event)', async () => {
      const sends = events.map(async (event) => backend.send(event));
      // Some sends settle when their batch is delivered, which nobody is to wait for.
      await Promise.all([...sends, backend.flush?.(liveSignal())]);
    });
  }

  /**
   * Sends these very events without a flush.
   *
   * @returns when they were taken over: when the sends settled, or are seen to wait for a flush
   */
  async handOver(backend: Backend, events: readonly TrackingEvent[]): Promise<HandedOver> {
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

  /** Has the backend deliver what was sent. */
  async flush(backend: Backend): Promise<void> {
    await this.within('flush()', async () => backend.flush?.(liveSignal()));
  }

  /** Sends events as a batch, or one by one where the backend knows no batches; resolves to what it reports. */
  async sendBatch(backend: Backend, events: readonly TrackingEvent[]): Promise<unknown> {
    if (backend.sendBatch === undefined) {
      await this.send(backend, events);
      return undefined;
    }
    return this.within('sendBatch(events)', async () => backend.sendBatch?.(events, liveSignal()));
  }

  /** What is stored of these events, in the order in which it is stored. */
  async storedOf(events: readonly TrackingEvent[]): Promise<TrackingEvent[]> {
    const ids = new Set(events.map(({ id }) => id));
    return (await this.subject.stored()).filter(({ id }) => ids.has(id));
  }

  /** Rejects unless each event is stored as it was sent: once, where nothing else is said. */
  async expectStored(
    events: readonly TrackingEvent[],
    { atLeastOnce = false }: { atLeastOnce?: boolean } = {},
  ): Promise<void> {
    const stored = await this.storedOf(events);
    for (const event of events) {
      const found = stored.filter(({ id }) => id === event.id);
      if (found.length !== 1 && !(atLeastOnce && found.length > 1)) {
        throw new Error(
          `The event ${describeEvent(event, writeValue)} was sent; stored it is ${found.length === 0 ? 'not' : `${found.length} times`}.`,
        );
      }
      expectSame(found[0]!, event, 'is stored otherwise than it was sent');
    }
  }

  /** Makes the destination unreachable while something is tried. */
  async duringOutage<T>(attempt: () => Promise<T>): Promise<T> {
    this.#outage = true;
    await this.subject.outage?.begin();
    const result = await attempt();
    await this.subject.outage?.end();
    this.#outage = false;
    return result;
  }

  /** Ends what the case has begun. */
  async tearDown(): Promise<void> {
    try {
      if (this.#outage) await this.subject.outage?.end();
      await Promise.all(this.#backends.map((backend) => this.close(backend)));
    } finally {
      await this.subject.cleanUp?.();
    }
  }

  /** Closes a backend; one that is closed already may be closed again. */
  async close(backend: Backend): Promise<void> {
    await this.within('close()', async () => backend.close?.(liveSignal()));
  }
}
