import { NotPersistedError } from '../core/diagnostics/errors.js';
import type { TrackingEvent } from '../core/event/event.js';
import type { EventQueue } from '../core/tree/event-queue.js';
import { Tracker } from '../core/tracker/tracker.js';
import { AsyncRoutingBackend } from '../delivery/async-routing-backend.js';
import { copyOf } from '../core/event/snapshot.js';
import type { ContractClause } from './contract-clause.js';
import type { QueueHarness } from './queue-harness.js';

const COUNT = 3;
/** The time that a call gets which must not resolve, in milliseconds. */
const SHORT_MS = 50;
/** Failures are part of the contract, so they are not logged. */
const SILENT = { warn() {}, error() {} };

/** A tracker with a queue in front of a destination that does not answer until it is released. */
class BlockedTracker {
  readonly emitted: TrackingEvent[] = [];
  /** How many events the destination has. */
  delivered = 0;
  readonly tracker: Tracker;
  release = (): void => {};
  readonly #released = new Promise<void>((resolve) => (this.release = resolve));

  constructor(queue: EventQueue) {
    const destination = {
      send: async (): Promise<void> => {
        await this.#released;
        this.delivered++;
      },
    };
    this.tracker = new Tracker({
      name: 'contract',
      logger: SILENT,
      backends: {
        emitted: { send: (event: TrackingEvent) => void this.emitted.push(copyOf(event)) },
        node: new AsyncRoutingBackend({ queue, backends: { destination } }),
      },
    });
  }

  emit(): void {
    for (let number = 0; number < COUNT; number++) this.tracker.emit('contract.event', { number });
  }
}

/** What `tracker.persisted()` confirms of a durable queue. */
export const confirmsAccepted: ContractClause<QueueHarness> = {
  name: 'lets tracker.persisted() resolve once the queue has the events, before they are delivered',
  async verify(harness) {
    const blocked = await open(harness);
    blocked.emit();
    await harness.within('persisted()', () => blocked.tracker.persisted());
    if (blocked.delivered > 0) throw new Error('Events were delivered to a blocked destination.');
  },
};

/** What it confirms of a queue that is lost with its process. */
export const confirmsDelivered: ContractClause<QueueHarness> = {
  name: 'lets tracker.persisted() resolve only once the events are delivered',
  async verify(harness) {
    const blocked = await open(harness);
    blocked.emit();
    await expectRefusal(harness, blocked);
    const persisted = blocked.tracker.persisted();
    if (await harness.settlesTooEarly(persisted)) {
      throw new Error('persisted() settled although no event was delivered.');
    }
    blocked.release();
    await harness.within('persisted()', () => persisted);
    if (blocked.delivered === COUNT) return;
    throw new Error(
      `persisted() resolved when ${blocked.delivered} of ${COUNT} events were delivered.`,
    );
  },
};

/** A process that crashes right after it has answered its caller. */
export const keepsConfirmed: ContractClause<QueueHarness> = {
  name: 'delivers events that tracker.persisted() has confirmed after a crash',
  async verify(harness) {
    const blocked = await open(harness);
    blocked.emit();
    await harness.within('persisted()', () => blocked.tracker.persisted());
    await harness.crash();
    const next = await harness.node();
    await harness.expectDelivered([next], blocked.emitted, { atLeastOnce: true });
  },
};

/** The events that an unreachable queue does not have are not durable. */
export const refusesDuringOutages: ContractClause<QueueHarness> = {
  name: 'lets tracker.persisted() reject at its deadline during an outage, and resolve afterwards',
  async verify(harness) {
    const blocked = await open(harness);
    await harness.within('persisted()', () => blocked.tracker.persisted());
    await harness.duringOutage(async () => {
      blocked.emit();
      await expectRefusal(harness, blocked);
    });
    blocked.release();
    await harness.within('persisted() after an outage', () => blocked.tracker.persisted());
  },
};

async function open(harness: QueueHarness): Promise<BlockedTracker> {
  const blocked = new BlockedTracker(await harness.queue());
  harness.closeLast(async () => {
    blocked.release();
    await blocked.tracker.close({ signal: AbortSignal.timeout(harness.timeout / 2) });
  });
  return blocked;
}

async function expectRefusal(harness: QueueHarness, { tracker }: BlockedTracker): Promise<void> {
  const settled = await harness.settle(() => tracker.persisted({ timeout: SHORT_MS }));
  if (settled.as !== 'rejected') {
    throw new Error(
      `persisted({ timeout: ${SHORT_MS} }) is ${settled.as}, although no event is durable.`,
    );
  }
  const { error } = settled;
  const pending =
    error instanceof NotPersistedError
      ? error.events.find(({ reason }) => reason === 'pending')
      : undefined;
  if (pending?.count === COUNT) return;
  throw new Error(
    `persisted() must reject with a NotPersistedError that counts ${COUNT} pending events.`,
    { cause: error },
  );
}
