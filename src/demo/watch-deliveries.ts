import {
  RoutingBackend,
  type Backend,
  type Tracker,
  type TrackingEvent,
} from 'nestjs-event-tracking';

/** An event, with the backends that took it. */
export interface Delivery {
  readonly tracker: string;
  readonly event: TrackingEvent;
  /** The paths of the backends, in their order. */
  readonly backends: readonly string[];
}

/**
 * Looks over the shoulder of a tracker's backends, and tells of each event when all of them are done with it.
 *
 * The application is watched from outside and as it is: nothing in it is made for the demo.
 */
export class DeliveryWatch {
  readonly deliveries: Delivery[] = [];
  readonly #attempts = new Map<string, Promise<string | undefined>[]>();
  readonly #telling = new Set<Promise<void>>();

  constructor(
    private readonly tracker: Tracker,
    private readonly tell: (delivery: Delivery) => void,
  ) {
    for (const [path, backend] of leavesOf(tracker.backends)) this.#watch(path, backend);
  }

  /** Resolves when everything that was sent so far has been told. */
  async settled(): Promise<void> {
    await this.tracker.flush();
    await Promise.all(this.#telling);
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
    const taken = Promise.resolve(sent).then(
      () => path,
      () => undefined,
    );
    this.#attemptsOf(event).push(taken);
  }

  /** What is delivered at once is called within one turn of the event loop, what is delivered in batches after a flush. */
  #attemptsOf(event: TrackingEvent): Promise<string | undefined>[] {
    let attempts = this.#attempts.get(event.id);
    if (attempts === undefined) {
      attempts = [];
      this.#attempts.set(event.id, attempts);
      const telling = new Promise((turn) => setImmediate(turn))
        .then(() => this.tracker.flush())
        .then(() => this.#tellOf(event))
        .finally(() => this.#telling.delete(telling));
      this.#telling.add(telling);
    }
    return attempts;
  }

  async #tellOf(event: TrackingEvent): Promise<void> {
    const taken = await Promise.all(this.#attempts.get(event.id) ?? []);
    this.#attempts.delete(event.id);
    const backends = taken.filter((path) => path !== undefined).toSorted();
    if (backends.length === 0) return;
    const delivery = { tracker: this.tracker.name, event, backends };
    this.deliveries.push(delivery);
    this.tell(delivery);
  }
}

function leavesOf(backends: ReadonlyMap<string, Backend>, prefix = ''): [string, Backend][] {
  return [...backends].flatMap(([name, backend]): [string, Backend][] =>
    backend instanceof RoutingBackend
      ? leavesOf(backend.backends, `${prefix}${name}.`)
      : [[`${prefix}${name}`, backend]],
  );
}
