import fc from 'fast-check';
import {
  AsyncRoutingBackend,
  DeliveringBackend,
  PermanentDeliveryError,
  RetryableDeliveryError,
  Tracker,
  type EventQueue,
  type TrackingEvent,
} from 'nestjs-event-tracking';
import { unaccountedEvents } from './unaccounted-events.js';

/** A queue whose histories are run, with the storage that outlives its processes. */
export interface HistorySubject {
  /** Opens the queue as a process does when it starts. */
  create(): Promise<EventQueue> | EventQueue;
  /** Leaves the storage as `kill -9` of all processes would; left out if nothing survives. */
  crash?(): Promise<void>;
  cleanUp?(): Promise<void>;
  /** Lets time pass, or less, and work that is due end; resolves to the milliseconds that passed. */
  advance(milliseconds: number): Promise<number>;
}

/** One step of a history. */
export type HistoryStep =
  | { do: 'emit'; count: number }
  | { do: 'set destination'; index: number; mode: Mode }
  | { do: 'set dead letters'; isDown: boolean }
  | { do: 'wait'; milliseconds: number }
  | { do: 'flush' }
  | { do: 'restart' }
  | { do: 'start another process' }
  | { do: 'kill' };

const MODES = ['answers', 'refuses', 'rejects some', 'fails', 'hangs'] as const;
type Mode = (typeof MODES)[number];

const DESTINATIONS = ['left', 'right'] as const;
/** Time for delivery once all destinations answer: the longest pause between attempts, and more. */
const SETTLING_MS = 60_000;
const LOGGER = { warn() {}, error() {} };

/** Random histories; those of queues that do not survive a crash have none. */
export function histories(survivesCrashes: boolean): fc.Arbitrary<HistoryStep[]> {
  const step: fc.Arbitrary<HistoryStep> = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant('emit' as const),
        count: fc.integer({ min: 1, max: 40 }),
      }),
    },
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constant('set destination' as const),
        index: fc.nat(DESTINATIONS.length - 1),
        mode: fc.constantFrom(...MODES),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant('set dead letters' as const), isDown: fc.boolean() }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('wait' as const),
        milliseconds: fc.constantFrom(0, 1, 20, 200, 2_000, 30_000, 3_600_000),
      }),
    },
    { weight: 1, arbitrary: fc.constant({ do: 'flush' as const }) },
    { weight: 2, arbitrary: fc.constant({ do: 'restart' as const }) },
    ...(survivesCrashes
      ? [
          { weight: 2, arbitrary: fc.constant({ do: 'kill' as const }) },
          { weight: 1, arbitrary: fc.constant({ do: 'start another process' as const }) },
        ]
      : []),
  );
  return fc.array(step, { minLength: 1, maxLength: 14 });
}

/** Destinations and dead letters, which outlive the processes. */
class World {
  readonly modes = new Map<string, Mode>();
  /** The numbers of the events that were delivered or became dead letters, by destination. */
  readonly ended = new Map<string, Set<unknown>>(DESTINATIONS.map((name) => [name, new Set()]));
  areLettersDown = false;

  end(destination: string, event: TrackingEvent): void {
    this.ended.get(destination)!.add(event.data['number']);
  }
}

/** One process: a tracker with two destinations behind the queue, and the defaults of all options. */
class Life {
  isDead = false;
  readonly tracker: Tracker;

  constructor(
    queue: EventQueue,
    private readonly world: World,
  ) {
    const backends = Object.fromEntries(
      DESTINATIONS.map((name) => [name, this.#destination(name)] as const),
    );
    this.tracker = new Tracker({
      logger: LOGGER,
      backends: { node: new AsyncRoutingBackend({ queue, backends }) },
    });
  }

  #destination(name: string): DeliveringBackend {
    const { world } = this;
    return new DeliveringBackend(
      {
        send() {},
        sendBatch: async (events) => {
          await this.#answer(world.modes.get(name) ?? 'answers', events);
          for (const event of events) world.end(name, event);
        },
      },
      {
        deadLetter: {
          send: async (letter) => {
            if (this.isDead) await never();
            if (world.areLettersDown) throw new RetryableDeliveryError('503');
            world.end(name, letter);
          },
        },
      },
    );
  }

  /** A dead process hears no answer, and no destination hears of it. */
  async #answer(mode: Mode, events: readonly TrackingEvent[]): Promise<void> {
    if (this.isDead || mode === 'hangs') await never();
    if (mode === 'refuses') throw new RetryableDeliveryError('ECONNREFUSED');
    if (mode === 'fails') throw new Error('Something went wrong.');
    const isPoison = events.some(({ data }) => Number(data['number']) % 3 === 0);
    if (mode === 'rejects some' && isPoison) throw new PermanentDeliveryError('422');
  }
}

/**
 * Runs a history, and then lets everything recover.
 *
 * @throws if an event that was acknowledged is neither delivered nor a dead letter, for one of the
 * destinations, or if the stats do not balance
 */
export async function runHistory(
  steps: readonly HistoryStep[],
  subject: HistorySubject,
): Promise<void> {
  const history = new History(subject);
  try {
    await history.begin();
    for (const step of steps) await history.run(step);
    await history.recover();
  } finally {
    await history.end();
  }
}

class History {
  readonly #world = new World();
  readonly #acknowledged = new Set<number>();
  readonly #lives: Life[] = [];
  readonly #dead: Life[] = [];
  #count = 0;

  constructor(private readonly subject: HistorySubject) {}

  async begin(): Promise<void> {
    this.#lives.push(new Life(await this.subject.create(), this.#world));
  }

  async run(step: HistoryStep): Promise<void> {
    switch (step.do) {
      case 'emit':
        await this.#emit(step.count);
        break;
      case 'set destination':
        this.#world.modes.set(DESTINATIONS[step.index]!, step.mode);
        break;
      case 'set dead letters':
        this.#world.areLettersDown = step.isDown;
        break;
      case 'wait':
        await this.subject.advance(step.milliseconds);
        break;
      case 'flush':
        await this.#settle(this.#newest.tracker.flush({ signal: AbortSignal.abort() }));
        break;
      case 'restart':
        await this.#closeAll();
        await this.begin();
        break;
      case 'start another process':
        if (this.#lives.length < 3) await this.begin();
        break;
      case 'kill':
        await this.#kill();
        break;
    }
    this.#checkStats();
  }

  /** Has all destinations answer, and expects everything that was acknowledged. */
  async recover(): Promise<void> {
    for (const name of DESTINATIONS) this.#world.modes.set(name, 'answers');
    this.#world.areLettersDown = false;
    for (let waited = 0; waited < SETTLING_MS && this.#missing().length > 0;) {
      for (const { tracker } of this.#lives) void tracker.flush();
      waited += await this.subject.advance(1_000);
    }
    const missing = this.#missing();
    if (missing.length > 0) {
      throw new Error(
        `${missing.length} of ${this.#acknowledged.size} acknowledged events were neither delivered ` +
          `nor stored as dead letters: ${missing.slice(0, 3).join(', ')}`,
      );
    }
    this.#checkStats();
  }

  async end(): Promise<void> {
    await this.#closeAll().catch(() => {});
    for (const { tracker } of this.#dead) {
      await this.#settle(tracker.close({ signal: AbortSignal.abort() })).catch(() => {});
    }
    await this.subject.advance(1_000);
    await this.subject.cleanUp?.();
  }

  get #newest(): Life {
    return this.#lives.at(-1)!;
  }

  /** Emits through every process; the events that `persisted()` confirms are acknowledged. */
  async #emit(count: number): Promise<void> {
    for (const { tracker } of this.#lives) {
      const first = this.#count;
      for (let index = 0; index < count; index++) {
        tracker.emit('history.step', { number: this.#count++ });
      }
      if (!(await this.#settle(tracker.persisted({ timeout: 2_000 })))) continue;
      for (let number = first; number < this.#count; number++) this.#acknowledged.add(number);
    }
  }

  async #kill(): Promise<void> {
    await this.subject.crash?.();
    for (const life of this.#lives) life.isDead = true;
    this.#dead.push(...this.#lives.splice(0));
    await this.begin();
  }

  async #closeAll(): Promise<void> {
    const lives = this.#lives.splice(0);
    const deadline = new AbortController();
    setTimeout(() => deadline.abort(), 500);
    const { signal } = deadline;
    await Promise.all(lives.map(({ tracker }) => this.#settle(tracker.close({ signal }))));
  }

  /** Lets time pass until work has settled; returns whether it succeeded. */
  async #settle(work: Promise<unknown>): Promise<boolean> {
    let result: boolean | undefined;
    void work.then(
      () => (result = true),
      () => (result = false),
    );
    for (let waited = 0; result === undefined && waited < SETTLING_MS;) {
      waited += await this.subject.advance(100);
    }
    if (result === undefined) throw new Error('A call did not settle within a minute.');
    return result;
  }

  #missing(): string[] {
    return [...this.#acknowledged].flatMap((number) =>
      DESTINATIONS.filter((name) => !this.#world.ended.get(name)!.has(number)).map(
        (name) => `number ${number} at '${name}'`,
      ),
    );
  }

  #checkStats(): void {
    for (const { tracker } of this.#lives) {
      for (const [path, stats] of Object.entries(tracker.stats().backends)) {
        const unaccounted = unaccountedEvents(stats);
        if (unaccounted === 0) continue;
        throw new Error(`The stats at '${path}' do not balance: ${JSON.stringify(stats)}`);
      }
    }
  }
}

async function never(): Promise<never> {
  return new Promise<never>(() => {});
}
