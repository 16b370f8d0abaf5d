import {
  RoutingBackend,
  type Backend,
  type Tracker,
  type TrackingEvent,
} from 'nestjs-event-tracking';

/** An event with the backends that received it. */
export interface Delivery {
  readonly tracker: string;
  readonly event: TrackingEvent;
  /** The paths of the backends, in their order. */
  readonly backends: readonly string[];
}

/**
 * Observes a tracker's backends and reports each event once all of them have handled it.
 *
 * It wraps the backends from outside, so that the application needs no code for the demo.
 */
export class DeliveryWatch {
  readonly deliveries: Delivery[] = [];
  readonly #attempts = new Map<string, Promise<string | undefined>[]>();
  readonly #reports = new Set<Promise<void>>();

  constructor(
    private readonly tracker: Tracker,
    private readonly report: (delivery: Delivery) => void,
  ) {
    for (const [path, backend] of leavesOf(tracker.backends)) this.#watch(path, backend);
  }

  /** Resolves when all events sent so far have been reported. */
  async settled(): Promise<void> {
    await this.tracker.flush();
    await Promise.all(this.#reports);
  }

  #watch(path: string, backend: Backend): void {
    const send = backend.send.bind(backend);
    backend.send = (event) => {
      const sent = send(event);
      this.#note(path, event, sent);
      return sent;
    };
    const sendBatch = backend.sendBatch?.bind(backend);
    if (sendBatch === undefined) return;
    backend.sendBatch = (events, options) => {
      const sent = sendBatch(events, options);
      for (const event of events) this.#note(path, event, sent);
      return sent;
    };
  }

  #note(path: string, event: TrackingEvent, sent: unknown): void {
    const received = Promise.resolve(sent).then(
      () => path,
      () => undefined,
    );
    this.#attemptsOf(event).push(received);
  }

  /** Immediate deliveries start within one turn of the event loop; batches start after a flush. */
  #attemptsOf(event: TrackingEvent): Promise<string | undefined>[] {
    let attempts = this.#attempts.get(event.id);
    if (attempts === undefined) {
      attempts = [];
      this.#attempts.set(event.id, attempts);
      const pending = new Promise((turn) => setImmediate(turn))
        .then(() => this.tracker.flush())
        .then(() => this.#reportEvent(event))
        .finally(() => this.#reports.delete(pending));
      this.#reports.add(pending);
    }
    return attempts;
  }

  async #reportEvent(event: TrackingEvent): Promise<void> {
    const received = await Promise.all(this.#attempts.get(event.id) ?? []);
    this.#attempts.delete(event.id);
    const backends = received.filter((path) => path !== undefined).toSorted();
    if (backends.length === 0) return;
    const delivery = { tracker: this.tracker.name, event, backends };
    this.deliveries.push(delivery);
    this.report(delivery);
  }
}

function leavesOf(backends: ReadonlyMap<string, Backend>, prefix = ''): [string, Backend][] {
  return [...backends].flatMap(([name, backend]): [string, Backend][] =>
    backend instanceof RoutingBackend
      ? leavesOf(backend.backends, `${prefix}${name}.`)
      : [[`${prefix}${name}`, backend]],
  );
}
